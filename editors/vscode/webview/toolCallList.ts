import type { ToolCallItem } from '../src/chat/toolCallItem';
import type { ApprovalDecision, ApprovalRequest } from '../src/protocol';
import { createElement } from './element';

/** What the user can do about a tool call. */
export interface ToolCallActions {
  decide: (id: string, decision: ApprovalDecision) => void;
  undo: (id: string) => void;
}

const DECISIONS: readonly [ApprovalDecision, string][] = [
  ['once', 'Allow'],
  ['session', 'Allow for this session'],
  ['deny', 'Deny'],
];

const DIFF_LINE_CLASSES: Record<string, string> = { '+': 'added', '-': 'removed', '@': 'hunk' };

/** The tool calls of an answer, one line each that opens to show the result, and the approvals. */
export class ToolCallList {
  readonly root = createElement('div', 'tool-calls');

  constructor(private readonly actions: ToolCallActions) {}

  /** Add an item, or replace the one with the same id. */
  show(item: ToolCallItem): void {
    const id = getItemId(item.id);
    const content = item.text ? createDetails(item) : item.title;
    const line = createElement('div', `tool-call ${item.state}`, content);
    line.id = id;
    if (item.canUndo) line.append(this.createUndoButton(item.id));
    const before = this.root.querySelector(`#${CSS.escape(id)}`);
    if (before) before.replaceWith(line);
    else this.root.append(line);
  }

  /** Ask the user whether a tool may run. */
  askApproval({ id, title, diff, command }: ApprovalRequest): void {
    const buttons = DECISIONS.map(([decision, label]) => {
      const button = createElement('button', decision, label);
      button.addEventListener('click', () => this.actions.decide(id, decision));
      return button;
    });
    const body = diff ? createDiff(diff) : createElement('pre', '', command);
    const card = createElement('div', 'approval', createElement('p', '', `${title}?`), body);
    card.append(createElement('div', 'decisions', ...buttons));
    card.id = getApprovalId(id);
    this.root.append(card);
    card.scrollIntoView({ block: 'nearest' });
  }

  private createUndoButton(id: string): HTMLElement {
    const button = createElement('button', 'undo', 'Undo');
    button.addEventListener('click', () => this.actions.undo(id));
    return button;
  }
}

export function removeApproval(id: string): void {
  document.getElementById(getApprovalId(id))?.remove();
}

export function markUndone(id: string): void {
  document.getElementById(getItemId(id))?.classList.add('undone');
}

function getItemId(id: string): string {
  return `tool-call-${id}`;
}

function getApprovalId(id: string): string {
  return `approval-${id}`;
}

function createDetails({ title, text }: ToolCallItem): HTMLElement {
  const details = createElement('details', '', createElement('summary', '', title));
  details.append(createElement('pre', '', text));
  return details;
}

function createDiff(diff: string): HTMLElement {
  // The first two lines name the file, which the title of the approval does too.
  const [, , ...lines] = diff.replace(/\n$/, '').split('\n');
  const elements = lines.map((line) =>
    createElement('div', DIFF_LINE_CLASSES[line[0] ?? ''] ?? '', line || ' '),
  );
  return createElement('pre', '', ...elements);
}
