;;; copilotd-eglot.el --- copilotd as eglot's server -*- lexical-binding: t; -*-

;;; Commentary:

;; Eglot has one server for each mode.  This one completes by `completion-at-point'; to keep another
;; server beside it, use lsp-mode.

;;; Code:

(require 'eglot)

(add-to-list 'eglot-server-programs '(prog-mode . ("copilotd" "lsp")))

;; The text at the cursor is part of what the model continues, and not a word to look up.
(add-hook 'eglot-managed-mode-hook
          (lambda () (setq-local completion-styles '(basic))))

(provide 'copilotd-eglot)
;;; copilotd-eglot.el ends here
