--- The configuration for `vim.lsp.enable('copilotd')`. Handlers load their modules when the server
--- sends the first message.

---@type vim.lsp.Config
return {
  cmd = { 'copilotd', 'lsp' },
  root_markers = { '.git' },
  -- With this capability the server offers ghost text instead of an item in the completion menu.
  capabilities = { textDocument = { inlineCompletion = { dynamicRegistration = false } } },
  handlers = {
    ['copilotd/status'] = function(_, params)
      require('copilotd.status').update(params)
    end,
    ['copilotd/longerCompletion'] = function(_, params)
      require('copilotd.ghost_text').request_longer(vim.uri_to_bufnr(params.textDocument.uri))
    end,
    ['copilotd/approve'] = function(...)
      return require('copilotd.tool_requests').approve(...)
    end,
    ['copilotd/diagnostics'] = function(...)
      return require('copilotd.tool_requests').list_diagnostics(...)
    end,
    ['workspace/applyEdit'] = function(...)
      return require('copilotd.tool_requests').apply_edit(...)
    end,
    ['$/progress'] = function(...)
      return require('copilotd.stream').handle_progress(...)
    end,
  },
  on_exit = function(code, _, client_id)
    require('copilotd.reconnect').handle_exit(code, client_id)
  end,
}
