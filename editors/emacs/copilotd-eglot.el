;;; copilotd-eglot.el --- Run copilotd as eglot's server -*- lexical-binding: t; -*-

;;; Commentary:

;; Eglot supports one server for each mode.  copilotd then provides `completion-at-point'.  To run it
;; together with another server, use lsp-mode.

;;; Code:

(require 'eglot)

(add-to-list 'eglot-server-programs '(prog-mode . ("copilotd" "lsp")))

;; The model continues the text at the cursor, so that text must not filter the candidates.
(add-hook 'eglot-managed-mode-hook
          (lambda () (setq-local completion-styles '(basic))))

(provide 'copilotd-eglot)
;;; copilotd-eglot.el ends here
