import * as vscode from 'vscode';
import { UserError } from '../../base/errors.ts';
import { Forwarder } from '../../channel/forwarder.ts';
import { inspectorConfiguration, NODE_DEBUG_EXTENSION, type NodeSources } from '../../debug/node.ts';
import type { Folder } from '../../sandboxes/folder.ts';
import { type ChildPlace, channelTo, type DebugServices } from './debug-services.ts';
import { strings } from './strings.ts';

/** The processes of Node.js in one debug session, each in a session of VS Code's own debugger below it. */
export class NodeProcesses implements vscode.Disposable {
  readonly #own: vscode.DebugSession;
  readonly #services: DebugServices;
  /** The ways to the inspectors of processes, by their local ports. */
  readonly #ways = new Map<number, Forwarder>();
  readonly #ends: vscode.Disposable;
  #isDisposed = false;

  constructor(own: vscode.DebugSession, services: DebugServices) {
    this.#own = own;
    this.#services = services;
    this.#ends = vscode.debug.onDidTerminateDebugSession(({ parentSession, configuration }) => {
      if (parentSession?.id === own.id) this.#close(configuration.port);
    });
  }

  /** Attaches to a process that waits for a debugger. Throws if that isn't possible. */
  async attach(place: ChildPlace, { path: folder }: Folder, sources: NodeSources): Promise<void> {
    if (!vscode.extensions.getExtension(NODE_DEBUG_EXTENSION)) throw new UserError(strings.noNodeDebugger());
    const { name, connect, inspector = '' } = place.child;
    const channel = await channelTo(place, this.#services);
    // A sandbox of Local Modal may have the ports of this computer.
    const way = await Forwarder.listen(channel, connect, { preferredPort: 0 });
    if (this.#isDisposed) return way.close();
    this.#ways.set(way.port, way);
    const configuration = inspectorConfiguration({ name, port: way.port, inspector, folder }, sources);
    const hasStarted = await vscode.debug.startDebugging(this.#own.workspaceFolder, configuration, {
      parentSession: this.#own,
      // It's stopped and started again with the program.
      lifecycleManagedByParent: true,
      consoleMode: vscode.DebugConsoleMode.MergeWithParent,
      compact: true,
    });
    if (!hasStarted && !this.#isDisposed) throw new UserError(strings.noNodeDebugger());
  }

  dispose(): void {
    this.#isDisposed = true;
    this.#ends.dispose();
    for (const port of [...this.#ways.keys()]) this.#close(port);
  }

  #close(port: number): void {
    this.#ways.get(port)?.close();
    this.#ways.delete(port);
  }
}
