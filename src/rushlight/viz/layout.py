"""Where everything stands: layers by the longest path, order by barycentres, and places that bring neighbours in line.

Each call of a module is laid out by itself and is then one vertex of what is around it, so boxes never overlap, and folding
one only changes places. What does not depend on folding is a Plan; `place` gives the coordinates, here and,
with the same arithmetic, in page.js. Layers, sweeps and dummies as in Sugiyama, Tagawa and Toda, "Methods for Visual
Understanding of Hierarchical System Structures" (IEEE SMC-11, 1981); places by isotonic regression (pool adjacent violators).
"""

ITEM, BOX, DUMMY, PORT = range(4)
GAP, ROW, PADDING, HEADER, TITLE = 22, 40, 14, 48, 22
# An edge over more layers is drawn straight, without dummies to lead it past what is between.
FAR = 30
# A leaf is shown again for users that are further apart.
_APART = 2
_SWEEPS = 4
# How little others keep in line with leaves, and with what is made of one leaf: else long graphs would drift aside.
_LEAF, _BRANCH = 1e-6, 1e-2


class Vertex:
    """A thing with a place: `item` or `box` is the number of what it shows, `up` and `down` are its neighbours."""

    __slots__ = (
        "above", "below", "bottom", "box", "down", "height", "home", "item", "kind", "layer", "number", "up", "weight", "width",
        "x", "y",
    )  # fmt: skip

    def __init__(self, number, kind, home, width=2, height=0):
        self.number, self.kind, self.home, self.width, self.height = number, kind, home, width, height
        self.item = self.box = None
        # (vertex, port of the upper of the two, port of the lower), where these are boxes.
        self.up, self.down = [], []
        # How much others try to be in line with it.
        self.weight = 4.0 if kind == DUMMY else 1.0
        self.layer, self.bottom = 0, False
        self.x = self.y = 0.0
        # From its layer's upper edge to its own, and from its own lower edge to the layer's.
        self.above = self.below = 0.0


class Plan:
    """Vertices, the layers of each box (the last entry is the outermost), and the vertices that each edge passes."""

    def __init__(self, model, sizes):
        self.model = model
        self.vertices, self.routes = [], []
        self.around = [box.parent for box in model.boxes]
        self.outer = len(model.boxes)
        self.layers = [[] for _ in range(self.outer + 1)]
        self._ports = {}
        self._inside = [[] for _ in range(self.outer + 1)]
        self._local = [[] for _ in range(self.outer + 1)]
        self._show(sizes)
        edges = self._connect()
        for home in range(self.outer + 1):
            self._layer(home)
        # From the innermost boxes outwards; dummies are in the routes in the end.
        passed = {}
        for home in range(self.outer + 1):
            passed.update(self._fill(home))
            self._order(home)
        for edge, way in edges:
            self.routes.append((edge, self._whole(way, passed)))

    # -- what is shown where
    def _vertex(self, kind, home, width=2, height=0):
        vertex = Vertex(len(self.vertices), kind, home, width, height)
        self.vertices.append(vertex)
        self._inside[home].append(vertex)
        return vertex

    def _home(self, box):
        return self.outer if box is None else box

    def _show(self, sizes):
        """A vertex for each operation, output and box."""
        model = self.model
        self.box_vertices = []
        for box in model.boxes:
            vertex = self._vertex(BOX, self._home(box.parent))
            vertex.box = box.id
            self.box_vertices.append(vertex)
        self.own, self._sizes = {}, sizes
        for item in model.items:
            if item.kind in ("operation", "output"):
                self.own[item.id] = self._item(item.id, self._home(item.box))

    def _item(self, id, home):
        vertex = self._vertex(ITEM, home, *self._sizes[id])
        vertex.item = id
        return vertex

    # -- edges, cut at the borders of boxes
    def _connect(self):
        """[(edge, [vertex, ...]), ...]: leaves stand in the box of each user, other edges pass ports."""
        model, ways, beside = self.model, [], {}
        depths = self._operation_layers()
        for edge in model.edges:
            target = self.own[edge.target]
            if edge.source in self.own:
                way = self._through(self.own[edge.source], target)
            else:
                source = self._beside(edge.source, target, depths[edge.target], beside)
                way = [source, target]
                self._local[target.home].append((source, target, None, None))
            ways.append((edge, way))
        return ways

    def _operation_layers(self):
        """The longest path to each operation and output, to tell which users of a leaf are near each other."""
        layer = dict.fromkeys(self.own, 0)
        into = {}
        for edge in self.model.edges:
            if edge.source in layer:
                into.setdefault(edge.target, []).append(edge.source)
        for item in self.model.items:
            for source in into.get(item.id, ()):
                layer[item.id] = max(layer[item.id], layer[source] + 1)
        return layer

    def _beside(self, id, target, layer, beside):
        """The vertex of a leaf for this user: one that stands near it already, or a new one."""
        near = beside.setdefault((id, target.home), [])
        for vertex, at in near:
            if abs(at - layer) <= _APART:
                return vertex
        near.append((self._item(id, target.home), layer))
        near[-1][0].weight = _LEAF
        return near[-1][0]

    def _homes(self, vertex):
        """The boxes around a vertex, from the outermost to its own."""
        homes, box = [], None if vertex.home == self.outer else vertex.home
        while box is not None:
            homes.append(box)
            box = self.around[box]
        return [self.outer, *reversed(homes)]

    def _through(self, source, target):
        """The way from one to the other: out of boxes by their lower ports, into others by their upper ones."""
        out, into = self._homes(source), self._homes(target)
        same = 0
        while same < min(len(out), len(into)) and out[same] == into[same]:
            same += 1
        way, here, port = [source], source, None
        for home in reversed(out[same:]):
            found = self._port(home, source, True)
            self._local[home].append((here, found, port, None))
            here, port = self.box_vertices[home], found
            way.append(found)
        level = out[same - 1]
        for home in into[same:]:
            found = self._port(home, source, False)
            self._local[level].append((here, self.box_vertices[home], port, found))
            level, here, port = home, found, None
            way.append(found)
        self._local[level].append((here, target, port, None))
        return [*way, target]

    def _port(self, home, source, bottom):
        key = home, source.number, bottom
        if key in self._ports:
            return self._ports[key]
        port = self._ports[key] = self._vertex(PORT, home)
        port.bottom = bottom
        return port

    # -- layers
    def _layer(self, home):
        """Layers by the longest path; what nothing leads to stands just above its first user."""
        vertices = self._inside[home]
        self._local[home] = edges = list(dict.fromkeys(self._local[home]))
        ups, downs = {v: [] for v in vertices}, {v: [] for v in vertices}
        for a, b, _, _ in edges:
            ups[b].append(a)
            downs[a].append(b)
        order, waiting = [v for v in vertices if not ups[v]], {v: len(ups[v]) for v in vertices}
        has_ports = any(v.kind == PORT and not v.bottom for v in vertices)
        for v in order:
            v.layer = max([u.layer + 1 for u in ups[v]], default=0 if v.kind == PORT or not has_ports else 1)
            if v.kind == ITEM and len(ups[v]) == 1 and ups[v][0].weight == _LEAF:
                v.weight = _BRANCH
            for b in downs[v]:
                waiting[b] -= 1
                if not waiting[b]:
                    order.append(b)
        for v in reversed(order):
            if v.kind != PORT and downs[v] and len(ups[v]) <= len(downs[v]):
                v.layer = max(v.layer, min(b.layer for b in downs[v]) - 1)
        inner = [v for v in vertices if not (v.kind == PORT and v.bottom)]
        last = 1 + max([v.layer for v in inner], default=0)
        for v in vertices:
            if v.kind == PORT and v.bottom:
                v.layer = last

    def _fill(self, home):
        """Dummies for edges over several layers: {(a, b, ports): [dummy, ...]}; and who is whose neighbour."""
        passed = {}
        for a, b, port_a, port_b in self._local[home]:
            here, port, dummies = a, port_a, []
            if b.layer - a.layer <= FAR:
                for layer in range(a.layer + 1, b.layer):
                    dummy = self._vertex(DUMMY, home)
                    dummy.layer = layer
                    dummies.append(dummy)
                    here.down.append((dummy, port, None))
                    dummy.up.append((here, port, None))
                    here, port = dummy, None
            here.down.append((b, port, port_b))
            b.up.append((here, port, port_b))
            passed[a, b, port_a, port_b] = dummies
        return passed

    def _order(self, home):
        """Vertices of each layer, ordered so that neighbours are near each other."""
        vertices = self._inside[home]
        layers = [[] for _ in range(1 + max([v.layer for v in vertices], default=-1))]
        for v in vertices:
            layers[v.layer].append(v)
        at = {}
        for layer in layers:
            for k, v in enumerate(layer):
                at[v] = (k + 0.5) / len(layer)
        for sweep in range(_SWEEPS if any(len(layer) > 1 for layer in layers) else 0):
            down = sweep % 2 == 0
            for layer in layers if down else layers[::-1]:
                for v in layer:
                    near = v.up if down else v.down
                    if near:
                        at[v] = sum([at[u] for u, _, _ in near]) / len(near)
                layer.sort(key=at.__getitem__)
                for k, v in enumerate(layer):
                    at[v] = (k + 0.5) / len(layer)
        self.layers[home] = layers

    def _whole(self, way, passed):
        """A way with the dummies on it."""
        whole = [way[0]]
        for a, b in zip(way, way[1:]):
            whole += passed.get(self._step(a, b), ())
            whole.append(b)
        return whole

    def _step(self, a, b):
        """The local edge between two vertices that follow each other on a way, which may be ports of boxes."""
        port_a = port_b = None
        if a.kind == PORT and a.bottom:
            a, port_a = self.box_vertices[a.home], a
        if b.kind == PORT and not b.bottom:
            b, port_b = self.box_vertices[b.home], b
        return a, b, port_a, port_b


def place(plan, folded=frozenset(), closed=None):
    """Give every vertex its place: x of its centre and y of its top, in the box that it is in.

    `closed` are the sizes of folded boxes by their number. Returns the width and height of all.
    """
    size = 0, 0
    for home in [*sorted(range(plan.outer), key=lambda b: -plan.model.boxes[b].depth), plan.outer]:
        if home in folded:
            size = closed[home]
        else:
            size = _place(plan.layers[home], home != plan.outer, folded)
        if home != plan.outer:
            vertex = plan.box_vertices[home]
            room = 0 if home in folded else closed[home][0]
            spare = max(0, room - size[0]) / 2
            if spare:
                for layer in plan.layers[home]:
                    for v in layer:
                        v.x += spare
            vertex.width, vertex.height = size[0] + 2 * spare, size[1]
    return size


def _place(layers, framed, folded):
    for layer in layers:
        spread(layer, [0.0] * len(layer))
    for sweep in range(6):
        down = sweep % 2 == 0
        for layer in layers if down else layers[::-1]:
            spread(layer, [_wish(v, folded, down) for v in layer])
    left = min([v.x - v.width / 2 for layer in layers for v in layer], default=0)
    right = max([v.x + v.width / 2 for layer in layers for v in layer], default=0)
    side = PADDING if framed else 0
    y = HEADER if framed else 0
    for k, layer in enumerate(layers):
        high = max([v.height for v in layer], default=0)
        if framed and k == 0 and high == 0 and layers[1:]:
            # A row of ports at the upper border.
            for v in layer:
                v.x, v.y = v.x - left + side, 0
            continue
        for v in layer:
            if v.kind == DUMMY:
                v.height = high
            # What only begins here stands at the lower edge, near its users.
            v.above = (high - v.height) / (2 if v.up else 1)
            v.below = high - v.height - v.above
            v.x, v.y = v.x - left + side, y + v.above
        y += high + (ROW if k < len(layers) - 1 else 0)
    bottom = y + (PADDING if framed else 0)
    if framed and layers and all(v.kind == PORT and v.bottom for v in layers[-1]):
        bottom = y - ROW + PADDING + 8
        for v in layers[-1]:
            v.y = bottom
    return right - left + 2 * side, bottom


def _wish(v, folded, down):
    """Where a vertex would stand to be in line with its neighbours above (or below)."""
    near = v.up if down else v.down
    if not near:
        return v.x
    total = weight = 0.0
    for other, port_a, port_b in near:
        theirs, own = (port_a, port_b) if down else (port_b, port_a)
        total += other.weight * (other.x + offset(other, theirs, folded) - offset(v, own, folded))
        weight += other.weight
    return total / weight


def offset(v, port, folded):
    """How far a port is from the middle of its box."""
    return 0.0 if port is None or v.box is None or v.box in folded else port.x - v.width / 2


def spread(layer, wishes):
    """Set x so that nothing overlaps, the order is kept, and the squared distances from the wishes are least."""
    blocks, reach = [], 0.0
    offsets = []
    for k, v in enumerate(layer):
        if k:
            before = layer[k - 1]
            reach += (before.width + v.width) / 2 + GAP
        offsets.append(reach)
        total, heavy, count = (wishes[k] - reach) * v.weight, v.weight, 1
        while blocks and blocks[-1][0] / blocks[-1][1] >= total / heavy:
            t, h, n = blocks.pop()
            total, heavy, count = total + t, heavy + h, count + n
        blocks.append((total, heavy, count))
    k = 0
    for total, heavy, count in blocks:
        for _ in range(count):
            layer[k].x = total / heavy + offsets[k]
            k += 1


def absolute(plan, folded):
    """{vertex: (x of its centre, y of its top)} in the whole picture, of all that no folded box hides."""
    corner, found = {plan.outer: (0.0, 0.0)}, {}
    for box in sorted(plan.model.boxes, key=lambda box: box.depth):
        home = plan.outer if box.parent is None else box.parent
        if home not in corner or home in folded:
            continue
        vertex, (x, y) = plan.box_vertices[box.id], corner[home]
        corner[box.id] = x + vertex.x - vertex.width / 2, y + vertex.y
    for vertex in plan.vertices:
        if vertex.home in corner and vertex.home not in folded:
            x, y = corner[vertex.home]
            found[vertex] = x + vertex.x, y + vertex.y
    return found


def lines(plan, folded, places):
    """[(edge, [(x, y), ...]), ...] of the edges that are to be seen, from the upper end to the lower."""
    found, seen = [], set()
    for edge, way in plan.routes:
        start, end = _shown(plan, way[0], folded), _shown(plan, way[-1], folded)
        if start is end:
            continue
        x, y = places[start]
        points = [(x, y + start.height)]
        if start.below:
            points.append((x, y + start.height + start.below))
        for vertex in way[1:-1]:
            if vertex not in places:
                continue
            x, y = places[vertex]
            points.append((x, y))
            if vertex.kind == DUMMY and vertex.height:
                points.append((x, y + vertex.height))
            if vertex.kind == PORT and not vertex.bottom:
                # Past the title of the box.
                points.append((x, y + TITLE))
        x, y = places[end]
        if end.above:
            points.append((x, y - end.above))
        points.append((x, y))
        key = start.number, end.number
        if (start.kind == BOX or end.kind == BOX) and key in seen:
            continue
        seen.add(key)
        found.append((edge, points))
    return found


def _shown(plan, vertex, folded):
    """The vertex, or the outermost folded box that hides it."""
    shown, box = vertex, None if vertex.home == plan.outer else vertex.home
    while box is not None:
        if box in folded:
            shown = plan.box_vertices[box]
        box = plan.around[box]
    return shown


def curve(points):
    """The path of an edge: vertical where it starts and ends, smooth between."""
    (x, y), path = points[0], []
    path.append(f"M{x:.1f} {y:.1f}")
    for to_x, to_y in points[1:]:
        if abs(to_x - x) < 0.5:
            path.append(f"L{to_x:.1f} {to_y:.1f}")
        else:
            bend = (to_y - y) / 2
            path.append(f"C{x:.1f} {y + bend:.1f} {to_x:.1f} {to_y - bend:.1f} {to_x:.1f} {to_y:.1f}")
        x, y = to_x, to_y
    return "".join(path)
