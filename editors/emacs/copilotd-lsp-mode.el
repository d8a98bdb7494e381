;;; copilotd-lsp-mode.el --- copilotd beside lsp-mode's other servers -*- lexical-binding: t; -*-

;;; Commentary:

;; Completes by `completion-at-point', or by company-mode where that is installed.

;;; Code:

(require 'lsp-mode)

(lsp-register-client
 (make-lsp-client
  :new-connection (lsp-stdio-connection '("copilotd" "lsp"))
  :activation-fn (lambda (&rest _) t)
  :server-id 'copilotd
  :add-on? t
  :priority -1))

(provide 'copilotd-lsp-mode)
;;; copilotd-lsp-mode.el ends here
