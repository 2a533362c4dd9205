/**
 * The Python program of an interactive session. Arguments: the pipe to create, and what to print when it exists. Reads one
 * JSON object per line from the pipe (`code`, `file`, `line`, `mark`), runs it in `__main__` as the interactive interpreter
 * would, and then prints the mark, with the exit status for `%s`. Input, output, and interrupts go through the terminal.
 */
export const PYTHON_DRIVER = String.raw`
import os, sys
path, loaded = sys.path[:], set(sys.modules)
# The project's modules come first for its own code, not for this program: one of them may be called json, or socket,
# which asyncio needs.
own = [os.path.abspath(each) for each in ["", *os.environ.get("PYTHONPATH", "").split(os.pathsep)]]
sys.path[:] = [each for each in path if os.path.abspath(each) not in own or each == os.path.dirname(os.__file__)]
import ast, asyncio, atexit, codeop, inspect, json, linecache, signal, traceback, types
sys.path[:] = path

class Modules:
    """Gives the project its own modules where this program has others of these names."""
    def __init__(self, names):
        self.names, self.here, self.theirs = names, {}, {}

    def look(self, folder):
        for name in self.names:
            path = os.path.join(folder, name.partition(".")[0])
            if any(os.path.exists(path + end) for end in (".py", "/__init__.py")):
                self.here[name] = sys.modules[name]

    def __enter__(self):
        for name in self.here:
            sys.modules.pop(name, None)
        sys.modules.update(self.theirs)

    def __exit__(self, *_):
        if self.here:
            tops = {name.partition(".")[0] for name in self.here}
            self.theirs = {name: each for name, each in sys.modules.items() if name.partition(".")[0] in tops}
            for name in self.theirs:
                del sys.modules[name]
            sys.modules.update(self.here)

def main(fifo, mark, modules):
    for each in own:
        modules.look(each)
    os.mkfifo(fifo, 0o600)
    atexit.register(os.unlink, fifo)
    pipe = os.open(fifo, os.O_RDWR)
    waiting = b""
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    sys.argv = [""]
    compiled = codeop.Compile()
    compiled.flags |= ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    loop = None

    def read():
        nonlocal waiting
        while True:
            while b"\n" not in waiting:
                waiting += os.read(pipe, 1 << 20)
            line, waiting = waiting.split(b"\n", 1)
            try:
                return json.loads(line)
            except ValueError:
                # The rest of a snippet whose delivery was canceled.
                pass

    def place(file, text):
        if os.path.isfile(file):
            module.__file__ = file
            folder = os.path.dirname(file)
            if folder not in sys.path:
                sys.path.insert(0, folder)
                modules.look(folder)
        else:
            vars(module).pop("__file__", None)
            linecache.cache[file] = (len(text), None, text.splitlines(True), file)

    def statements(code, file, line):
        first = next((each for each in code.split("\n") if each.strip() and not each.lstrip().startswith("#")), "")
        # An indented block is kept unchanged, including multiline strings, and gets its own header.
        is_block = first[:1] in (" ", "\t")
        shift = line - (2 if is_block else 1)
        try:
            tree = ast.parse("if 1:\n" + code if is_block else code, file)
            if is_block and tree.body[0].orelse:
                tree = ast.parse(code, file)
        except SyntaxError as error:
            error.lineno = (error.lineno or 1) + shift
            if getattr(error, "end_lineno", None):
                error.end_lineno += shift
            raise
        ast.increment_lineno(tree, shift)
        return tree.body[0].body + tree.body[1:] if is_block else tree.body

    def run(code, file, line):
        place(file, "\n" * (line - 1) + code)
        body = statements(code, file, line)
        shown = [body.pop()] if body and isinstance(body[-1], ast.Expr) else []
        execute(compiled(ast.Module(body, []), file, "exec"))
        if shown:
            execute(compiled(ast.Interactive(shown), file, "single"))

    def execute(code):
        nonlocal loop
        if not code.co_flags & inspect.CO_COROUTINE:
            with modules:
                exec(code, vars(module))
            return
        if not loop or loop.is_closed():
            loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        task = loop.create_task(types.FunctionType(code, vars(module))())
        try:
            with modules:
                loop.run_until_complete(task)
        except BaseException:
            # An interrupt ends the wait; the task ends, too.
            if not task.done():
                task.cancel()
                loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
            raise

    def report(error):
        trace = error.__traceback__
        while trace and trace.tb_frame.f_code.co_filename == main.__code__.co_filename:
            trace = trace.tb_next
        if isinstance(error, SyntaxError) and trace and not trace.tb_next and trace.tb_frame.f_globals is vars(ast):
            trace = None
        error = error.with_traceback(trace)
        sys.last_exc = sys.last_value = error
        sys.last_type, sys.last_traceback = type(error), trace
        sys.excepthook(type(error), error, trace)

    handler, status = signal.default_int_handler, 0
    while True:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass
        os.write(1, mark.replace("%s", str(status)).encode())
        snippet = read()
        mark = snippet.pop("mark")
        try:
            signal.signal(signal.SIGINT, handler)
            run(**snippet)
            status = 0
        except SystemExit:
            raise
        except BaseException as error:
            status = 130 if isinstance(error, KeyboardInterrupt) else 1
            report(error)
        handler = signal.getsignal(signal.SIGINT) or signal.default_int_handler

main(*sys.argv[1:], Modules(set(sys.modules) - loaded))
`;
