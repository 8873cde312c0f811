"""Draws what a command printed as it stands in a terminal: the command as arguments, its output on standard input, an SVG on standard
output. It has its own ground, so that it is legible on any page."""

import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN = 8.43, 20, 20  # of a character of 14 px in a monospaced fount, of a line, around all of it

command = " ".join(sys.argv[1:])
lines = [line.rstrip() for line in sys.stdin.read().splitlines()]
if not any(lines):
    sys.exit("nothing to draw")
shown = [f'<tspan fill="#7ee787">$</tspan> {escape(command)}', *map(escape, lines)]
wide = round(2 * MARGIN + WIDTH * max(len(line) for line in (f"$ {command}", *lines)))
high = 2 * MARGIN + HEIGHT * len(shown)
print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" role="img">')
print(f"  <title>What {escape(command)} prints</title>")
print(f'  <rect width="{wide}" height="{high}" rx="10" fill="#161b22" stroke="#7b8794"/>')
print('  <g font-family="ui-monospace, \'DejaVu Sans Mono\', Menlo, Consolas, monospace" font-size="14" fill="#e6edf3">')
for number, line in enumerate(shown, 1):
    # As wide as counted, whatever fount there is: columns stay columns.
    length = len(lines[number - 2]) if number > 1 else len(command) + 2
    fitted = f' textLength="{length * WIDTH:.1f}"' if length else ""
    print(f'    <text x="{MARGIN}" y="{MARGIN + HEIGHT * number - 6}" xml:space="preserve"{fitted}>{line}</text>')
print("  </g>\n</svg>")
