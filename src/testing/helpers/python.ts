/** What the programs for tests of Python have in common. */
export const PYTHON_COMMON = String.raw`
CHARS, FRAMES, PIECE = 32768, 50, 500
HIDDEN = tuple(os.path.dirname(sys.modules[name].__file__) + os.sep for name in ("_pytest", "pluggy", "unittest") if name in sys.modules)

def emit_to(events, kind, **fields):
    data = b"\x1e" + json.dumps(dict(fields, kind=kind)).encode() + b"\n"
    while data: data = data[os.write(events, data) :]

def shortened(text, limit=CHARS):
    text = str(text)
    return text if len(text) <= limit else text[: limit // 2] + "\n…\n" + text[-limit // 2 :]

def frames_of(tb):
    frames = []
    for frame, line in traceback.walk_tb(tb):
        name = frame.f_code.co_filename
        if frame.f_locals.get("__tracebackhide__") is True or name.startswith(HIDDEN) or name == __file__: continue
        frames.append([name, line, frame.f_code.co_name])
    return frames[-FRAMES:]

def shown(value):
    if isinstance(value, str): return shortened(value)
    import pprint
    # Large values aren't formatted only to be cut off.
    if hasattr(value, "__len__") and len(value) > 10000: return shortened(repr(value))
    return shortened(pprint.pformat(value, width=100))
`;
