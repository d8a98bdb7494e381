import * as vscode from 'vscode';

/** New lines for a range of a file as it was when they were asked for. */
export class Proposal {
  private readonly source = new vscode.CancellationTokenSource();
  private readonly before: string;
  private readonly version: number;
  private lines = '';
  private isWhole = false;
  private ended: () => void = () => {};
  private readonly end = new Promise<void>((resolve) => {
    this.ended = resolve;
  });

  constructor(
    readonly uri: vscode.Uri,
    readonly document: vscode.TextDocument,
    private range: vscode.Range,
  ) {
    this.before = document.getText();
    this.version = document.version;
  }

  /** Cancelled when the user is no longer interested. */
  get token(): vscode.CancellationToken {
    return this.source.token;
  }

  add(piece: string): void {
    this.lines += piece;
  }

  /** The whole of it. */
  set(range: vscode.Range, lines: string): void {
    this.range = range;
    this.lines = lines;
    this.isWhole = true;
    this.ended();
  }

  /** What the file would be. Lines that are still to be written are the old ones. */
  text(): string {
    const start = this.offset(this.range.start);
    const end = this.offset(this.range.end);
    const isInLine = !this.isWhole && this.lines !== '' && !this.lines.endsWith('\n');
    const written = isInLine ? `${this.lines}\n` : this.lines;
    const old = this.before.slice(start, end).split('\n');
    const rest = this.isWhole ? '' : old.slice(written.split('\n').length - 1).join('\n');
    return this.before.slice(0, start) + written + rest + this.before.slice(end);
  }

  /** Waits for the whole of it. Raises an error in words for the user if the file has changed. */
  async apply(): Promise<void> {
    await this.end;
    if (this.token.isCancellationRequested) return;
    if (this.document.version !== this.version) {
      throw new Error('The file has changed since the edit was asked for. Ask again.');
    }
    const edit = new vscode.WorkspaceEdit();
    edit.replace(this.document.uri, this.range, this.lines);
    await vscode.workspace.applyEdit(edit);
  }

  cancel(): void {
    this.source.cancel();
    this.ended();
  }

  // The document may have changed since; its positions are those of `before`.
  private offset({ line, character }: vscode.Position): number {
    const newline = this.before.includes('\r\n') ? 2 : 1;
    const lines = this.before.split(/\r?\n/).slice(0, line);
    return lines.reduce((sum, text) => sum + text.length + newline, character);
  }
}
