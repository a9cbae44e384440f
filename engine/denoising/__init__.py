"""DiffKD's denoising: a diffusion model of the teacher's features, which denoises the student's."""
