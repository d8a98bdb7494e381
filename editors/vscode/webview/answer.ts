import MarkdownIt from 'markdown-it';
import type { ToolCallItem } from '../src/chat/toolCallItem';
import type { ApprovalRequest } from '../src/protocol';
import { createElement } from './element';
import { type ToolCallActions, ToolCallList } from './toolCallList';

export type CodeAction = 'insert' | 'apply' | 'copy';
export type CodeActionHandler = (action: CodeAction, code: string) => void;

const BUTTONS: readonly [CodeAction, string][] = [
  ['copy', 'Copy'],
  ['insert', 'Insert'],
  ['apply', 'Apply…'],
];

// HTML in an answer is shown as text.
const markdown = new MarkdownIt({ html: false, linkify: false });

/** An answer, rendered from Markdown again as it grows. */
export class Answer {
  readonly root = createElement('article', 'answer');
  private readonly body = createElement('div', 'markdown');
  private readonly toolCalls: ToolCallList;
  private text = '';
  private isDrawScheduled = false;

  constructor(
    private readonly onCodeAction: CodeActionHandler,
    toolCallActions: ToolCallActions,
  ) {
    this.toolCalls = new ToolCallList(toolCallActions);
    this.root.append(this.toolCalls.root, this.body);
  }

  showToolCall(item: ToolCallItem): void {
    this.toolCalls.show(item);
  }

  askApproval(request: ApprovalRequest): void {
    this.toolCalls.askApproval(request);
  }

  /** Show a complete answer from a stored conversation. */
  showComplete(text: string): void {
    this.text = text;
    this.end('');
  }

  append(delta: string): void {
    this.text += delta;
    if (this.isDrawScheduled) return;
    this.isDrawScheduled = true;
    // Deltas arrive faster than the screen refreshes.
    requestAnimationFrame(() => this.draw());
  }

  /** Finish the answer: its code blocks get buttons, and `note` is shown below it. */
  end(note: string): void {
    this.draw();
    for (const block of this.body.querySelectorAll('pre')) block.before(this.createToolbar(block));
    if (note) this.root.append(createElement('p', 'note', note));
  }

  private draw(): void {
    this.isDrawScheduled = false;
    // A frame that was scheduled before the end must not remove the toolbars.
    if (this.body.querySelector('.code-toolbar')) return;
    this.body.innerHTML = markdown.render(this.text);
  }

  private createToolbar(block: HTMLElement): HTMLElement {
    const code = block.textContent?.replace(/\n$/, '') ?? '';
    const buttons = BUTTONS.map(([action, label]) => {
      const button = createElement('button', action, label);
      button.addEventListener('click', () => this.onCodeAction(action, code));
      return button;
    });
    return createElement('div', 'code-toolbar', ...buttons);
  }
}
