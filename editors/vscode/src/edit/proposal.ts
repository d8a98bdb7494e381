import * as vscode from 'vscode';

/** An edit that the user has not accepted yet: new text for a range of one version of a file. */
export class Proposal {
  private readonly source = new vscode.CancellationTokenSource();
  private readonly before: string;
  private readonly version: number;
  private newText = '';
  private isComplete = false;
  private resolveEnd: () => void = () => {};
  private readonly end = new Promise<void>((resolve) => {
    this.resolveEnd = resolve;
  });

  constructor(
    readonly uri: vscode.Uri,
    readonly document: vscode.TextDocument,
    private range: vscode.Range,
  ) {
    this.before = document.getText();
    this.version = document.version;
  }

  /** Cancelled when the user closes or rejects the proposal. */
  get token(): vscode.CancellationToken {
    return this.source.token;
  }

  append(delta: string): void {
    this.newText += delta;
  }

  /** Set the final text and range. */
  complete(range: vscode.Range, newText: string): void {
    this.range = range;
    this.newText = newText;
    this.isComplete = true;
    this.resolveEnd();
  }

  /** The file with the edit. Until the edit is complete, old lines stand for those still to come. */
  renderFile(): string {
    const start = this.getOffset(this.range.start);
    const end = this.getOffset(this.range.end);
    const endsInLine = !this.isComplete && this.newText !== '' && !this.newText.endsWith('\n');
    const newText = endsInLine ? `${this.newText}\n` : this.newText;
    const oldLines = this.before.slice(start, end).split('\n');
    const newLineCount = newText.split('\n').length - 1;
    const remaining = this.isComplete ? '' : oldLines.slice(newLineCount).join('\n');
    return this.before.slice(0, start) + newText + remaining + this.before.slice(end);
  }

  /** Wait for the complete edit and apply it. Throws an error for the user if the file changed. */
  async apply(): Promise<void> {
    await this.end;
    if (this.token.isCancellationRequested) return;
    if (this.document.version !== this.version) {
      throw new Error('The file changed after the edit was requested. Request it again.');
    }
    const edit = new vscode.WorkspaceEdit();
    edit.replace(this.document.uri, this.range, this.newText);
    await vscode.workspace.applyEdit(edit);
  }

  cancel(): void {
    this.source.cancel();
    this.resolveEnd();
  }

  // `document.offsetAt` would use the current text, and these positions belong to `before`.
  private getOffset({ line, character }: vscode.Position): number {
    const newline = this.before.includes('\r\n') ? 2 : 1;
    const lines = this.before.split(/\r?\n/).slice(0, line);
    return lines.reduce((sum, text) => sum + text.length + newline, character);
  }
}
