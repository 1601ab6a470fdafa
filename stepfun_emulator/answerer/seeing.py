"""Saying what pictures, films and sounds are: measured, never guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepfun_emulator.answerer.measuring import Measured, measure
from stepfun_emulator.pictures import UnreadableError, decode_png, size_of
from stepfun_emulator.sound import wav_seconds

if TYPE_CHECKING:
    from stepfun_emulator.media import Medium

_CHINESE = {
    "black": "黑色", "white": "白色", "grey": "灰色", "red": "红色", "orange": "橙色", "yellow": "黄色",
    "green": "绿色", "cyan": "青色", "blue": "蓝色", "purple": "紫色", "pink": "粉色", "brown": "棕色",
    "image": "图片", "video": "视频", "audio": "音频",
}  # fmt: skip
_NAMED_AREAS = 12


def describe(medium: Medium, *, chinese: bool = False) -> str:
    """A few sentences about a medium."""
    if medium.url:
        if chinese:
            return f"模拟器没有联网，所以没有读取 {medium.url} 的{_CHINESE[medium.kind]}内容。"
        return f"The emulator has no network, so it did not look at the {medium.kind} at {medium.url}."
    if medium.kind == "image":
        return _image(medium, chinese=chinese)
    form, size = medium.form.upper(), len(medium.data)
    seconds = wav_seconds(medium.data) if medium.form == "wav" else None
    if chinese:
        length = "" if seconds is None else f"，时长 {seconds:.2f} 秒"
        return f"这是一段 {form} {_CHINESE[medium.kind]}，{size} 字节{length}。内容无法识别。"
    length = "" if seconds is None else f", {seconds:.2f} seconds long"
    return f"This is {form} {medium.kind} of {size} bytes{length}. Its content is not understood here."


def _image(medium: Medium, *, chinese: bool) -> str:
    size = size_of(medium.form, medium.data)
    pixels = "" if size is None else f"{size[0]}x{size[1]}"
    if medium.form == "png":
        try:
            measured = measure(decode_png(medium.data))
        except UnreadableError as error:
            if chinese:
                return f"无法解码这张 {pixels} 的 PNG 图片。"
            return f"The {pixels} PNG picture could not be decoded: {error}."
        return _measured_zh(measured, pixels) if chinese else _measured_en(measured, pixels)
    form = medium.form.upper()
    if chinese:
        return f"这是一张 {form} 图片，尺寸 {pixels or '未知'}。模拟器只解码 PNG，所以看不到内容。"
    pixels = pixels or "unknown"
    return f"This is a {form} picture of {pixels} pixels. Only PNG is decoded here, so its content is not seen."


def _measured_en(measured: Measured, pixels: str) -> str:
    colours = ", ".join(f"{name} {share:.0%}" for name, share in measured.colours)
    said = f"The picture is a PNG of {pixels} pixels. Main colours: {colours}."
    if measured.bars:
        lengths = measured.lengths()
        listed = ", ".join(f"{bar.colour} ({length}%)" for bar, length in zip(measured.bars, lengths, strict=True))
        which = max(range(len(lengths)), key=lengths.__getitem__)
        least = min(range(len(lengths)), key=lengths.__getitem__)
        order, most, less = (
            ("left to right", "tallest", "shortest") if measured.upright else ("top to bottom", "longest", "shortest")
        )
        return (
            f"{said} It shows {len(lengths)} bars, from {order}: {listed}, in percent of the {most}. "
            f"The {most} is bar {which + 1}, the {measured.bars[which].colour} one; "
            f"the {less} is bar {least + 1}, the {measured.bars[least].colour} one."
        )
    areas = ", ".join(area.colour for area in measured.areas[:_NAMED_AREAS])
    count = len(measured.areas)
    shown = (
        f"{count} distinct coloured area{'' if count == 1 else 's'}: {areas}" if count else "no distinct coloured areas"
    )
    return f"{said} On a {measured.background} background there are {shown}."


def _measured_zh(measured: Measured, pixels: str) -> str:
    colours = "、".join(f"{_CHINESE[name]} {share:.0%}" for name, share in measured.colours)
    said = f"这是一张 {pixels} 像素的 PNG 图片，主要颜色：{colours}。"
    if measured.bars:
        lengths = measured.lengths()
        listed = "、".join(
            f"{_CHINESE[bar.colour]}（{length}%）" for bar, length in zip(measured.bars, lengths, strict=True)
        )
        which = max(range(len(lengths)), key=lengths.__getitem__)
        least = min(range(len(lengths)), key=lengths.__getitem__)
        order, most, less = ("从左到右", "最高", "最矮") if measured.upright else ("从上到下", "最长", "最短")
        return (
            f"{said}图中有 {len(lengths)} 根柱子，{order}依次为：{listed}，以{most}的为 100%。"
            f"{most}的是第 {which + 1} 根（{_CHINESE[measured.bars[which].colour]}），"
            f"{less}的是第 {least + 1} 根（{_CHINESE[measured.bars[least].colour]}）。"
        )
    areas = "、".join(_CHINESE[area.colour] for area in measured.areas[:_NAMED_AREAS])
    shown = f"有 {len(measured.areas)} 个不同的色块：{areas}" if measured.areas else "没有明显的色块"
    return f"{said}在{_CHINESE[measured.background]}背景上{shown}。"
