import { PYTHON_COMMON } from './python.ts';

/**
 * A plugin for pytest 6 and later that says what it finds and how each test ends, as `events.ts` describes. It's loaded in the
 * worker processes of pytest-xdist, too, which only add to their reports what the main process can't know.
 */
export const PYTEST_PLUGIN = String.raw`"""Tells Sandboxes for Modal about tests and their results. PYTEST_DONT_REWRITE"""
import json, os, sys, traceback
import pytest

OPTIONS = {}
if "MODAL_PYTEST" in os.environ:
    with open(os.environ["MODAL_PYTEST"]) as file: OPTIONS.update(json.load(file))
${PYTHON_COMMON}
def path_of(node):
    return str(getattr(node, "path", None) or node.fspath)

class Tests:
    def __init__(self, config):
        worker = getattr(config, "workerinput", None)
        self.config, self.is_worker = config, worker is not None
        self.options = OPTIONS if worker is None else json.loads(worker.get("modal_tests", "{}"))
        self.root = self.options.get("root", os.getcwd())
        select = self.options.get("select")
        self.select = None if select is None else {tuple(key) for key in select}
        self.known, self.states, self.compared = {}, {}, None
        events = self.options.get("events", -1)
        self.events = events if isinstance(events, int) else os.open(events, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def emit(self, kind, **fields): emit_to(self.events, kind, **fields)

    def relative(self, path):
        path = os.path.join(str(self.config.rootdir), path)
        return os.path.relpath(path, self.root) if path.startswith(self.root + os.sep) else path

    def key_of(self, item):
        names = []
        for node in item.listchain()[:-1]:
            if isinstance(node, pytest.File): names = [self.relative(path_of(node))]
            elif names and node.name != "()": names.append(node.name)
        names = names or [self.relative(path_of(item))]
        original = getattr(item, "originalname", None)
        return names + ([original] if original and original != item.name else []) + [item.name]

    def described(self, item):
        key = self.key_of(item)
        path, line, _ = item.location
        return [item.nodeid, key, line if line is not None and self.relative(path) == key[0] else None]

    def is_selected(self, item):
        key = tuple(self.key_of(item))
        return any(key[:length] in self.select for length in range(1, len(key) + 1))

    def pytest_sessionstart(self, session):
        if self.is_worker: return
        ini = getattr(self.config, "inipath", None)
        self.emit("session", root=str(self.config.rootdir), ini=ini and str(ini), version=pytest.__version__)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node):
        node.workerinput["modal_tests"] = json.dumps({name: self.options.get(name) for name in ("root", "select")})

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, config, items):
        if self.select is None: return
        kept, dropped = [], []
        for item in items: (kept if self.is_selected(item) else dropped).append(item)
        if dropped: config.hook.pytest_deselected(items=dropped)
        items[:] = kept

    def pytest_collection_finish(self, session):
        if self.is_worker: return
        items = [self.described(item) for item in session.items]
        for at in range(0, len(items), PIECE): self.emit("tests", tests=items[at : at + PIECE])
        self.known.update((item[0], item) for item in items)
        self.emit("collected")

    @pytest.hookimpl(hookwrapper=True)
    def pytest_make_collect_report(self, collector):
        report = (yield).get_result()
        if not report.failed: return
        report.modal_file = self.relative(path_of(collector))
        excinfo = getattr(getattr(report, "call", None), "excinfo", None)
        cause = excinfo and (excinfo.value.__cause__ or excinfo.value)
        frames = frames_of(cause.__traceback__) if cause else []
        if isinstance(cause, SyntaxError) and cause.filename: frames.append([cause.filename, cause.lineno or 1, ""])
        report.modal_frames = frames

    def pytest_collectreport(self, report):
        if self.is_worker or not report.failed: return
        file = getattr(report, "modal_file", None) or self.relative(report.nodeid)
        frames = getattr(report, "modal_frames", [])
        self.emit("broken", file=file, failure=dict(message=shortened(report.longreprtext), frames=frames))

    def pytest_assertrepr_compare(self, config, op, left, right):
        if op != "==": return
        frame = sys._getframe(1)
        while frame and frame.f_code.co_filename.startswith(HIDDEN): frame = frame.f_back
        if frame: self.compared = (frame.f_code.co_filename, frame.f_lineno, left, right)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = (yield).get_result()
        if self.is_worker and call.when == "setup": report.modal_test = self.described(item)
        compared, self.compared = self.compared, None
        if not report.failed or call.excinfo is None: return
        report.modal_frames = frames = frames_of(call.excinfo.tb)
        if compared and frames and isinstance(call.excinfo.value, AssertionError) and tuple(frames[-1][:2]) == compared[:2]:
            try: report.modal_compared = [shown(value) for value in compared[2:]]
            except Exception: pass

    def pytest_runtest_logstart(self, nodeid, location):
        if not self.is_worker: self.emit("start", id=nodeid)

    def failure_of(self, report):
        crash = getattr(report.longrepr, "reprcrash", None)
        message = crash.message if crash else report.longreprtext
        failure = dict(message=shortened(message), frames=getattr(report, "modal_frames", []))
        if report.when in ("setup", "teardown"): failure["phase"] = report.when
        compared = getattr(report, "modal_compared", None)
        if compared: failure.update(actual=compared[0], expected=compared[1])
        return failure

    def pytest_runtest_logreport(self, report):
        if self.is_worker: return
        context = getattr(report, "context", None)
        if context is not None: return self.subtest(report, context)
        state = self.states.setdefault(report.nodeid, dict(failures=[], outcome="passed", ms=0.0))
        test = getattr(report, "modal_test", None)
        if test and report.nodeid not in self.known:
            self.known[report.nodeid] = test
            self.emit("tests", tests=[test])
        state["ms"] += getattr(report, "duration", 0) * 1000
        if report.outcome == "rerun": state["again"] = True
        elif report.failed:
            state["failures"].append(self.failure_of(report))
            if state["outcome"] != "failed": state["outcome"] = "failed" if report.when == "call" else "error"
        elif report.skipped and state["outcome"] == "passed":
            state["outcome"] = "xfailed" if hasattr(report, "wasxfail") else "skipped"
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
            state["reason"] = shortened(getattr(report, "wasxfail", reason), 1000)
        elif hasattr(report, "wasxfail"): state["reason"] = shortened(report.wasxfail, 1000)
        if report.when in ("setup", "call"): return
        # The teardown's report has all output. That of a crashed worker process is the only one of its test.
        del self.states[report.nodeid]
        if state.pop("again", False): return
        output = "".join(text if text.endswith("\n") else text + "\n" for name, text in report.sections if name.startswith("Captured "))
        self.emit("result", id=report.nodeid, output=shortened(output), **state)

    def subtest(self, report, context):
        values = ", ".join("%s=%s" % each for each in dict(getattr(context, "kwargs", {}) or {}).items())
        name = " ".join(text for text in (str(getattr(context, "msg", "") or ""), "(%s)" % values if values else "") if text)
        _, key, line = self.known.get(report.nodeid, (None, None, None))
        if key is None: return
        name = shortened(name or "subtest", 1000)
        id = json.dumps([report.nodeid, name])
        failures = [self.failure_of(report)] if report.failed else []
        self.emit("tests", tests=[[id, key + [name], line, True]])
        self.emit("result", id=id, outcome="skipped" if report.skipped else report.outcome, failures=failures)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session, exitstatus):
        if self.is_worker: return
        self.emit("finish", code=int(exitstatus))
        # A debugger would stop at the exception that another exit code means.
        if isinstance(self.options.get("events"), str): session.exitstatus = pytest.ExitCode.OK

def pytest_configure(config):
    # One process, for a debugger or for coverage.
    if OPTIONS.get("single") and hasattr(config.option, "dist"):
        config.option.dist, config.option.tx, config.option.numprocesses = "no", [], None
    config.pluginmanager.register(Tests(config), "modal_tests")
`;

/**
 * Starts pytest in the interpreter that would run the project. The program's input has the options, among them the plugin, so
 * that their length doesn't matter. What pytest prints goes to stdout, in order, and the plugin's events alone to stderr.
 */
export const PYTEST_BOOT = String.raw`import sys
own = sys.path[:1] == [""] and sys.path.pop(0) == ""
import json, os, tempfile
options = json.loads(sys.stdin.buffer.read().decode())
os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
options["events"] = events = os.dup(2)
os.dup2(1, 2)
# Python's unbuffered streams lose what a pipe doesn't take at once. That happens in gVisor.
for fd, name in (1, "stdout"), (2, "stderr"):
    old = getattr(sys, name)
    new = open(fd, "w", buffering=1, encoding=old.encoding, errors=old.errors, closefd=False)
    setattr(sys, name, new)
    setattr(sys, "__%s__" % name, new)
def say(kind, **fields):
    data = b"\x1e" + json.dumps(dict(fields, kind=kind)).encode() + b"\n"
    while data: data = data[os.write(events, data) :]
def put(folder):
    os.makedirs(folder, exist_ok=True)
    for name, text in options["modules"].items():
        path = os.path.join(folder, name + ".py")
        if os.path.exists(path): continue
        with open("%s.%d" % (path, os.getpid()), "w") as file: file.write(text)
        os.replace(file.name, path)
    return folder
try: folder = put(options["folder"])
except OSError: folder = put(tempfile.mkdtemp())
if own: sys.path.insert(0, os.getcwd())
sys.path.append(folder)
def present(name):
    import importlib.util
    try: return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError): return False
def need(name):
    if not present(name) and options["packages"] not in sys.path: sys.path.append(options["packages"])
    if present(name): return
    say("missing", name=name, python=sys.executable)
    sys.exit(1)
if not present("pytest") and options["packages"] not in sys.path: sys.path.append(options["packages"])
runner = None
if not present("pytest"):
    import modal_unittest
    if modal_unittest.can_run(options): runner = modal_unittest.Runner(options, events)
    else: need("pytest")
measured = None
if options.get("coverage"):
    need("coverage")
    import coverage
    measured = coverage.Coverage(data_file=None, branch=True)
    if not any(measured.get_option("run:" + name) for name in ("source", "source_pkgs", "include")):
        measured.set_option("run:include", [options["root"] + "/*"])
    # Only one of them can measure.
    if present("pytest_cov"): options["args"].append("--no-cov")
    measured.start()
def report():
    path = os.path.join(tempfile.mkdtemp(), "coverage.json")
    measured.stop()
    try: measured.json_report(outfile=path)
    except coverage.CoverageException: return
    with open(path) as file: files = json.load(file)["files"]
    os.remove(path)
    os.rmdir(os.path.dirname(path))
    for name, each in files.items():
        name = os.path.abspath(name)
        if not name.startswith(options["root"] + "/") or name.startswith(folder): continue
        branches = [pair + [True] for pair in each.get("executed_branches", [])] + [pair + [False] for pair in each.get("missing_branches", [])]
        functions = [[name, part["start_line"], len(part["executed_lines"]) > 0] for name, part in each.get("functions", {}).items() if name and part.get("start_line")]
        say("coverage", file=os.path.relpath(name, options["root"]), executed=each["executed_lines"], missing=each["missing_lines"], branches=branches, functions=functions)
def done(code):
    if measured: report()
    sys.exit(code)
if runner: done(runner.run())
import modal_pytest
modal_pytest.OPTIONS.update(options)
import pytest
args = ["-p", "modal_pytest"] + options["args"] + [file for file in options["files"] if os.path.exists(file)]
sys.argv = ["pytest"] + args
if options["files"] and not any(os.path.exists(file) for file in options["files"]): sys.exit(5)
done(int(pytest.main(args)))`;
