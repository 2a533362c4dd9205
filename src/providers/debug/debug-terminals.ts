import * as vscode from 'vscode';
import type { TerminalProgram } from '../../debug/host.ts';
import type { RunRequest } from '../../run/request.ts';
import type { RunResult } from '../../run/result.ts';
import { window } from '../common/window.ts';

/** A terminal in which a program of a sandbox runs. */
export interface ProgramTerminal extends vscode.Pseudoterminal {
  /** Resolves with the result when the program has ended. */
  readonly ended: Promise<RunResult>;
  cancel(): void;
}

/** The terminals of debugged programs. Each stays open until the next one of its name. */
export class DebugTerminals {
  readonly #create: (request: () => Promise<RunRequest>) => ProgramTerminal;
  /** Terminals whose programs have ended, by name. */
  readonly #ended = new Map<string, vscode.Terminal[]>();

  constructor(create: (request: () => Promise<RunRequest>) => ProgramTerminal) {
    this.#create = create;
  }

  /** Runs a program in a terminal, which takes the place of earlier ones whose programs have ended. */
  open(name: string, request: () => Promise<RunRequest>): TerminalProgram {
    for (const each of this.#ended.get(name) ?? []) each.dispose();
    this.#ended.delete(name);
    const pty = this.#create(request);
    const terminal = window.createTerminal({ name, pty, iconPath: new vscode.ThemeIcon('debug-alt') });
    terminal.show(true);
    void pty.ended.then(() => this.#ended.set(name, [...(this.#ended.get(name) ?? []), terminal]));
    return pty;
  }
}
