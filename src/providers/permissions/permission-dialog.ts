import { basename } from 'node:path';
import type { QuickPickItem } from 'vscode';
import { cleanLine } from '../../base/text.ts';
import type { Effect } from '../../sandboxes/permissions/effects.ts';
import type { Asker, PermissionRequest, Reviewed } from '../../sandboxes/permissions/permissions.ts';
import { nameOf, permissionText } from '../../sandboxes/permissions/question-text.ts';
import { window } from '../common/window.ts';
import { strings } from './strings.ts';

/** The number of effects that the notification names. */
const MAX_NAMED = 3;
const MAX_LINE_CHARS = 200;

/** Asks in a modal dialog whether a profile or task may cause effects. Resolves with undefined if the user cancels. */
export async function askPermission(asker: Asker, effects: readonly Effect[]): Promise<boolean | undefined> {
  const { message, detail } = permissionText(asker, effects);
  const [allow, dontAllow] = [strings.allow(), strings.dontAllow()];
  const pressed = await window.showWarningMessage(message, { modal: true, detail }, allow, dontAllow);
  return pressed === undefined ? undefined : pressed === allow;
}

/** Names what a profile asks for in a notification, which doesn't interrupt. Resolves with the button that is pressed. */
export async function offerReview(
  { named, root }: PermissionRequest,
  effects: readonly Effect[],
): Promise<'review' | 'refuse' | undefined> {
  const texts = effects.slice(0, MAX_NAMED).map(({ text }) => cleanLine(text, MAX_LINE_CHARS));
  const more = effects.length > MAX_NAMED ? [strings.andMore(effects.length - MAX_NAMED)] : [];
  const message = strings.offer(nameOf(named.name), nameOf(basename(root)), [...texts, ...more].join('; '));
  const [review, dontAllow] = [strings.review(), strings.dontAllow()];
  const pressed = await window.showInformationMessage(message, review, dontAllow);
  return pressed === review ? 'review' : pressed === dontAllow ? 'refuse' : undefined;
}

/** Lets the user change answers in a list. Resolves with the answers that changed. */
export function reviewInList(root: string, reviewed: readonly Reviewed[]): Promise<Reviewed[]> {
  return new Promise((resolve) => {
    const pick = window.createQuickPick<PermissionItem>();
    pick.title = strings.reviewTitle();
    pick.placeholder = strings.reviewPlaceholder(nameOf(basename(root)));
    pick.canSelectMany = true;
    pick.ignoreFocusOut = true;
    pick.items = reviewed.map((each) => ({ each, label: each.text }));
    pick.selectedItems = pick.items.filter(({ each }) => each.allowed);
    pick.onDidAccept(() => {
      resolve(changesOf(reviewed, pick.selectedItems));
      pick.hide();
    });
    pick.onDidHide(() => {
      pick.dispose();
      resolve([]);
    });
    pick.show();
  });
}

interface PermissionItem extends QuickPickItem {
  readonly each: Reviewed;
}

function changesOf(reviewed: readonly Reviewed[], selected: readonly PermissionItem[]): Reviewed[] {
  const allowed = new Set(selected.map(({ each }) => each));
  return reviewed.flatMap((each) => (allowed.has(each) === each.allowed ? [] : [{ ...each, allowed: !each.allowed }]));
}
