"""Line plots as SVG, panels side by side."""
import math

PANEL_W, PANEL_H, LEFT, TOP = 330, 240, 70, 40


class Decades:
    """A logarithmic axis around these values."""

    def __init__(self, values):
        exponents = [math.log10(value) for value in values]
        self.first, self.last = math.floor(min(exponents)), math.ceil(max(exponents))

    def share(self, value):
        return (math.log10(value) - self.first) / (self.last - self.first)

    def ticks(self):
        return [10 ** e for e in range(self.first, self.last + 1)]


class Steps:
    """A linear axis from 0."""

    def __init__(self, last, step):
        self.last, self.step = last, step

    def share(self, value):
        return value / self.last

    def ticks(self):
        return list(range(0, self.last + 1, self.step))


def panel_left(i):
    """Of the i-th panel."""
    return LEFT + i * (PANEL_W + LEFT + 20)


def panel(left, title, labels, lines, styles, axes=None, legend_at=(10, 18)):
    """lines: name to [(x, y) or (x, y, low, high)]; styles: name to colour, or to (colour, dashes); labels and axes:
    those of x and y. Without axes, decades."""
    x_axis, y_axis = axes or [Decades([point[i] for points in lines.values() for point in points]) for i in (0, 1)]

    def at(x, y):
        return left + x_axis.share(x) * PANEL_W, TOP + PANEL_H - y_axis.share(y) * PANEL_H

    out = [f'<text x="{left}" y="{TOP - 14}" font-weight="bold">{title}</text>']
    for tick in x_axis.ticks():
        x = left + x_axis.share(tick) * PANEL_W
        out.append(f'<path d="M{x:.1f} {TOP}v{PANEL_H}" class="g"/>'
                   f'<text x="{x:.1f}" y="{TOP + PANEL_H + 16}" text-anchor="middle">{tick:,}</text>')
    for tick in y_axis.ticks():
        y = TOP + PANEL_H - y_axis.share(tick) * PANEL_H
        out.append(f'<path d="M{left} {y:.1f}h{PANEL_W}" class="g"/>'
                   f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:,g}</text>')
    out.append(f'<text x="{left + PANEL_W / 2}" y="{TOP + PANEL_H + 34}" text-anchor="middle">{labels[0]}</text>'
               f'<text transform="translate({left - 48} {TOP + PANEL_H / 2}) rotate(-90)" text-anchor="middle">'
               f'{labels[1]}</text>')
    for i, (name, points) in enumerate(lines.items()):
        style = styles[name]
        colour, dashes = (style, "") if isinstance(style, str) else (style[0], f' stroke-dasharray="{style[1]}"')
        dots = [at(*point[:2]) for point in points]
        out.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2"{dashes} points="'
                   + " ".join(f"{x:.1f},{y:.1f}" for x, y in dots) + '"/>')
        out += [f'<path d="M{x:.1f} {at(point[0], point[2])[1]:.1f}V{at(point[0], point[3])[1]:.1f}" stroke="{colour}"/>'
                for (x, _), point in zip(dots, points) if len(point) > 2]
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in dots]
        x, y = left + legend_at[0], TOP + legend_at[1] + 15 * i
        if dashes:
            out.append(f'<path d="M{x} {y - 4}h24" stroke="{colour}" stroke-width="2"{dashes}/>')
            x += 30
        out.append(f'<text x="{x}" y="{y}" fill="{colour}">{name}</text>')
    return out


def picture(n_panels, body):
    """Of this many panels, as text."""
    width, height = n_panels * (PANEL_W + LEFT) + 20 * n_panels, PANEL_H + TOP + 50
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" '
            'font-size="11"><style>.g{stroke:#ddd;fill:none}</style>'
            f'<rect width="{width}" height="{height}" fill="white"/>\n' + "\n".join(body) + "\n</svg>\n")
