const INSPECT_PORT = 9229;
const DEBUGGER = /debugpy[\\/]adapter|\b(?:dlv|gdbserver|lldb-server|lldb-dap)\b/;
const LISTEN = /--(?:listen|inspect(?:-brk|-wait|-port)?)(?:[= ]((?:[\w.]+|\[[\w:]+\]):)?(\d{1,5}))?(?![\w.])/g;

/** Returns whether a port is one on which a debugger waits for its client, given the command line of the program. */
export function isDebuggerPort(command: string, port: number): boolean {
  if (DEBUGGER.test(command)) return true;
  const isDebugged = /--inspect|debugpy/.test(command);
  if (!isDebugged) return false;
  return [...command.matchAll(LISTEN)].some(([, , number]) => Number(number ?? INSPECT_PORT) === port);
}
