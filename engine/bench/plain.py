"""The other side of `kdstudio bench train`: knowledge distillation as the public CIFAR scripts write it.

Float32, eager, contiguous tensors, images through PIL transforms in a DataLoader with two workers, `.item()` on every loss.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

WORKERS = 2
TEMPERATURE, LABELS = 4.0, 0.1


class Pixels(Dataset[tuple[Tensor, int]]):
    """Images in memory (N, H, W, 3) uint8, each made a PIL image and transformed when it is asked for."""

    def __init__(self, images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], labels: list[int]) -> None:
        self.images, self.labels = images, labels
        self.transform = transforms.Compose([
            transforms.RandomCrop(images.shape[1], padding=4), transforms.RandomHorizontalFlip(), transforms.ToTensor(),
            transforms.Normalize((0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
        ])  # fmt: skip

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), self.labels[index]


class Plain:
    """A training loop without anything that this engine does for speed. `student` and `teacher` take normalized images."""

    def __init__(self, student: nn.Module, teacher: nn.Module, data: Pixels, batch_size: int, device: torch.device) -> None:
        self.student, self.teacher, self.device = student.to(device), teacher.to(device).eval(), device
        self.updates = torch.optim.SGD(student.parameters(), 0.05, 0.9, weight_decay=5e-4, fused=False, foreach=False)
        self.loader = DataLoader(
            data, batch_size, shuffle=True, num_workers=WORKERS, persistent_workers=True, drop_last=True,
            multiprocessing_context="spawn",
        )  # fmt: skip

    def epoch(self) -> float:
        """One pass; seconds from the first batch's arrival to the end, a batch's images left out of account."""
        start, batches = 0.0, 0
        for x, y in self.loader:
            if batches == 1:
                start = time.perf_counter()
            self._step(x.to(self.device), y.to(self.device))
            batches += 1
        return (time.perf_counter() - start) / (batches - 1)

    def _step(self, x: Tensor, y: Tensor) -> None:
        logits = self.student(x)
        with torch.no_grad():
            taught = self.teacher(x)
        soft = functional.kl_div(
            functional.log_softmax(logits / TEMPERATURE, 1), functional.softmax(taught / TEMPERATURE, 1), reduction="batchmean"
        )
        loss = LABELS * functional.cross_entropy(logits, y) + (1 - LABELS) * TEMPERATURE**2 * soft
        self.updates.zero_grad()
        loss.backward()
        self.updates.step()
        loss.item()
