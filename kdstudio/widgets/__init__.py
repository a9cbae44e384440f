"""Widgets and layouts that any screen may use: labels, icons, boxes, sheets, popups; how Tab goes through them."""
