import { PYTHON_COMMON } from './python.ts';

/**
 * Runs the tests of unittest where pytest is missing, and says the same about them as the plugin for pytest. Classes and methods have
 * the same keys, too.
 */
export const UNITTEST_RUNNER = `"""Runs tests of unittest for Sandboxes for Modal."""
import ast, contextlib, fnmatch, importlib, importlib.util, inspect, json, os, sys, time, traceback, unittest
${PYTHON_COMMON}
PATTERNS = ("test*.py", "*_test.py")

def needs(path):
    """Returns which test frameworks a file is for."""
    try:
        with open(path, "rb") as file: body = ast.parse(file.read()).body
    except (OSError, SyntaxError, ValueError): return set()
    found = set()
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name.startswith("test"): found.add("pytest")
        if isinstance(node, (ast.Import, ast.ImportFrom)) and "pytest" in [getattr(node, "module", None)] + [name.name for name in node.names]: found.add("pytest")
        if not isinstance(node, ast.ClassDef): continue
        tests = any(isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)) and each.name.startswith("test") for each in node.body)
        if tests: found.add("unittest" if node.bases else "pytest")
    return found

def files_of(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in ("node_modules", "__pycache__") and not os.path.exists(os.path.join(folder, name, "pyvenv.cfg")))
        for name in sorted(names):
            if any(fnmatch.fnmatch(name, pattern) for pattern in PATTERNS): yield os.path.join(folder, name)

def asked_files(options):
    files = [os.path.join(options["root"], file) for file in options["files"]]
    return [file for file in files if os.path.exists(file)] if files else list(files_of(options["root"]))

def can_run(options):
    """Returns true if the tests that are asked for are those of unittest."""
    found = [needs(file) for file in asked_files(options)]
    return any("unittest" in each for each in found) and not any("pytest" in each for each in found)

def load(path):
    folder, name = os.path.split(path)
    names = [name[:-3]]
    while os.path.exists(os.path.join(folder, "__init__.py")):
        folder, name = os.path.split(folder)
        names.insert(0, name)
    if folder not in sys.path: sys.path.insert(0, folder)
    module = importlib.import_module(".".join(names))
    if os.path.abspath(getattr(module, "__file__", None) or "") == path: return module
    # Another file has this name already.
    spec = importlib.util.spec_from_file_location("%s_%d" % (names[-1], abs(hash(path))), path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module

def tests_in(suite):
    for each in suite:
        if isinstance(each, unittest.BaseTestSuite): yield from tests_in(each)
        else: yield each

class Suite(unittest.TestSuite):
    """Says whose setup and teardown runs."""
    def _handleClassSetUp(self, test, result):
        with result.fixture("setup", test.__class__): super()._handleClassSetUp(test, result)
    def _handleModuleFixture(self, test, result):
        with result.fixture("setup", sys.modules.get(test.__class__.__module__)): super()._handleModuleFixture(test, result)
    def _tearDownPreviousClass(self, test, result):
        with result.fixture("teardown", getattr(result, "_previousTestClass", None)): super()._tearDownPreviousClass(test, result)
    def _handleModuleTearDown(self, result):
        module = getattr(getattr(result, "_previousTestClass", None), "__module__", None)
        with result.fixture("teardown", sys.modules.get(module)): super()._handleModuleTearDown(result)

class Result(unittest.TextTestResult):
    runner = None

    def __init__(self, *args, **named):
        super().__init__(*args, **named)
        self.fixtures, self.state, self.last = [], None, None

    @contextlib.contextmanager
    def fixture(self, phase, owner):
        self.fixtures.append((phase, owner))
        try: yield
        finally: self.fixtures.pop()

    def startTest(self, test):
        super().startTest(test)
        self.state, self.last, self.startedAt = dict(outcome="passed", failures=[]), test, time.perf_counter()
        self.runner.emit("start", id=self.runner.id_of(test))

    def stopTest(self, test):
        super().stopTest(test)
        state, self.state = self.state, None
        self.runner.emit("result", id=self.runner.id_of(test), ms=(time.perf_counter() - self.startedAt) * 1000, **state)

    def failure_of(self, err, phase=None):
        kind, value, tb = err
        failure = dict(message=shortened("".join(traceback.format_exception_only(kind, value)).strip()), frames=frames_of(tb))
        for frame, _ in traceback.walk_tb(tb):
            name, names = frame.f_code.co_name, frame.f_locals
            if not frame.f_code.co_filename.startswith(HIDDEN) or not name.endswith("Equal") or "Not" in name or "first" not in names or "second" not in names: continue
            try: failure.update(actual=shown(names["first"]), expected=shown(names["second"]))
            except Exception: pass
            break
        if phase is None and failure["frames"]:
            phase = {"setUp": "setup", "asyncSetUp": "setup", "tearDown": "teardown", "asyncTearDown": "teardown"}.get(failure["frames"][0][2])
        if phase: failure["phase"] = phase
        return failure

    def fail(self, test, err):
        if isinstance(test, unittest.TestCase) and self.state is not None:
            failure = self.failure_of(err)
            self.state["failures"].append(failure)
            if self.state["outcome"] != "failed": self.state["outcome"] = "error" if "phase" in failure else "failed"
            return
        # A setup or teardown of a class or module.
        phase, owner = self.fixtures[-1] if self.fixtures else ("setup", None)
        failure = self.failure_of(err, phase)
        tests = [self.last] if phase == "teardown" and self.last else self.runner.tests_of(owner)
        for each in tests: self.runner.emit("result", id=self.runner.id_of(each), outcome="error", failures=[failure])

    def addError(self, test, err):
        # unittest removes its own frames.
        self.fail(test, err)
        super().addError(test, err)

    def addFailure(self, test, err):
        self.fail(test, err)
        super().addFailure(test, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        skipped = dict(outcome="skipped", reason=shortened(reason, 1000))
        if hasattr(test, "test_case"): self.subtest(test.test_case, test, skipped)
        elif isinstance(test, unittest.TestCase) and self.state is not None: self.state.update(skipped)
        else:
            for each in self.runner.tests_of(self.fixtures[-1][1] if self.fixtures else None): self.runner.emit("result", id=self.runner.id_of(each), **skipped)

    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err)
        self.state["outcome"] = "xfailed"

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.state.update(outcome="failed", failures=[dict(message="Unexpected success")])

    def addSubTest(self, test, subtest, err):
        failure = err and self.failure_of(err)
        super().addSubTest(test, subtest, err)
        if failure is None: return self.subtest(test, subtest, dict(outcome="passed"))
        self.subtest(test, subtest, dict(outcome="failed", failures=[failure]))
        if self.state is not None: self.state.update(outcome="failed", failures=self.state["failures"] or [dict(message="A subtest failed", frames=failure["frames"])])

    def subtest(self, test, subtest, result):
        values = ", ".join("%s=%r" % each for each in dict(subtest.params).items())
        message = subtest._message if isinstance(subtest._message, str) else ""
        name = shortened(" ".join(text for text in (message, "(%s)" % values if values else "") if text) or "subtest", 1000)
        key, line = self.runner.keys[id(test)]
        own = json.dumps(key + [name])
        self.runner.emit("tests", tests=[[own, key + [name], line, True]])
        self.runner.emit("result", id=own, **result)

class Runner:
    def __init__(self, options, events):
        self.options, self.events, self.root = options, events, options["root"]
        select = options.get("select")
        self.select = None if select is None else {tuple(key) for key in select}
        self.keys, self.tests = {}, []

    def emit(self, kind, **fields): emit_to(self.events, kind, **fields)

    def id_of(self, test): return json.dumps(self.keys[id(test)][0])

    def tests_of(self, owner):
        module = getattr(owner, "__name__", None)
        return [test for test in self.tests if test.__class__ is owner or (inspect.ismodule(owner) and test.__class__.__module__ == module)]

    def is_selected(self, key):
        return self.select is None or any(tuple(key[:length]) in self.select for length in range(1, len(key) + 1))

    def add(self, path, test):
        file, name = os.path.relpath(path, self.root) if path.startswith(self.root + os.sep) else path, test._testMethodName
        key = [file, test.__class__.__name__, test.id() if name == "runTest" else name]
        if not self.is_selected(key): return
        code = getattr(inspect.unwrap(getattr(test.__class__, name, None) or (lambda: None)), "__code__", None)
        self.keys[id(test)] = key, code.co_firstlineno - 1 if code and code.co_filename == path else None
        self.tests.append(test)

    def broken(self, path, error):
        frames = [frame for frame in frames_of(error.__traceback__) if "importlib" not in frame[0]]
        if isinstance(error, SyntaxError) and error.filename: frames.append([error.filename, error.lineno or 1, ""])
        message = "".join(traceback.format_exception_only(type(error), error)).strip()
        self.emit("broken", file=os.path.relpath(path, self.root), failure=dict(message=shortened(message), frames=frames))

    def find(self):
        loader = unittest.TestLoader()
        for path in asked_files(self.options):
            try: found = list(tests_in(loader.loadTestsFromModule(load(path))))
            except KeyboardInterrupt: raise
            except BaseException as error: self.broken(path, error)
            else:
                for test in found:
                    error = getattr(test, "_exception", None)
                    if error is None: self.add(path, test)
                    else: self.broken(path, error)
        items = [[self.id_of(test)] + list(self.keys[id(test)]) for test in self.tests]
        for at in range(0, len(items), PIECE): self.emit("tests", tests=items[at : at + PIECE])
        self.emit("collected")

    def run(self):
        self.find()
        failed = False
        if not self.options.get("collect"):
            Result.runner = self
            runner = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Result)
            failed = not runner.run(Suite(self.tests)).wasSuccessful()
        self.emit("finish", code=int(failed))
        return int(failed)

if __name__ == "__main__":
    with open(os.environ["MODAL_PYTEST"]) as file: options = json.load(file)
    if not can_run(options): sys.exit("No module named pytest, and unittest can't run these tests")
    Runner(options, os.open(options["events"], os.O_WRONLY | os.O_APPEND)).run()
`;
