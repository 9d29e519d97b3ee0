"""contact_sheet.py FOLDER OUT [FIRST [COUNT]]: pictures of a folder side by side, eight a row."""
import sys

from PIL import Image

folder, out = sys.argv[1:3]
first, count = (int(sys.argv[3]) if len(sys.argv) > 3 else 0), (int(sys.argv[4]) if len(sys.argv) > 4 else 48)
side, gap = 128, 4
rows = (count + 7) // 8
sheet = Image.new("RGB", (8 * (side + gap) + gap, rows * (side + gap) + gap), (128, 128, 128))
for k in range(count):
    picture = Image.open(f"{folder}/{first + k}.png").convert("RGB").resize((side, side), Image.LANCZOS)
    sheet.paste(picture, (gap + k % 8 * (side + gap), gap + k // 8 * (side + gap)))
sheet.save(out)
