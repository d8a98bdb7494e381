;;; copilotd-lsp-mode.el --- Run copilotd together with other servers -*- lexical-binding: t; -*-

;;; Commentary:

;; Provides `completion-at-point', or company-mode if it is installed.

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
