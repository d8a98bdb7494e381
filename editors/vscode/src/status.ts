import * as vscode from 'vscode';
import { label, STARTING, type State } from './state';

const SEEN_MS = 250;

/** The item in the status bar. A pause hides what the server says until it ends. */
export class Status implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    'copilotd',
    vscode.StatusBarAlignment.Right,
  );
  private state = STARTING;
  private thinking = 0;
  private pausing = false;
  private timer: NodeJS.Timeout | undefined;

  constructor() {
    this.item.name = 'copilotd';
    this.item.command = 'copilotd.menu';
    this.draw();
    this.item.show();
  }

  get paused(): boolean {
    return this.pausing;
  }

  show(state: State): void {
    this.state = state;
    this.draw();
  }

  /** Show that the model works, if it does so long enough to be seen. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isSeen = false;
    const slow = setTimeout(() => {
      isSeen = true;
      this.think(1);
    }, SEEN_MS);
    try {
      return await work;
    } finally {
      clearTimeout(slow);
      if (isSeen) this.think(-1);
    }
  }

  pause(minutes?: number): void {
    clearTimeout(this.timer);
    this.pausing = true;
    if (minutes) this.timer = setTimeout(() => this.resume(), minutes * 60_000);
    this.draw();
  }

  resume(): void {
    clearTimeout(this.timer);
    this.pausing = false;
    this.draw();
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.item.dispose();
  }

  private think(change: number): void {
    this.thinking += change;
    this.draw();
  }

  private draw(): void {
    const shown: State = this.pausing
      ? { phase: 'paused', detail: 'Nothing is suggested until you resume.' }
      : this.state;
    this.item.text = label(shown, this.thinking > 0);
    this.item.tooltip = shown.detail;
    const failed = shown.phase === 'failed' || shown.phase === 'missing';
    this.item.backgroundColor = failed
      ? new vscode.ThemeColor('statusBarItem.errorBackground')
      : undefined;
  }
}
