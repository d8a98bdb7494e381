--- What `vim.lsp.enable('copilotd')` starts. Modules are loaded when the server first speaks.

---@type vim.lsp.Config
return {
  cmd = { 'copilotd', 'lsp' },
  root_markers = { '.git' },
  -- A client that declares this gets ghost text and no item in the completion menu.
  capabilities = { textDocument = { inlineCompletion = { dynamicRegistration = false } } },
  handlers = {
    ['copilotd/status'] = function(_, params)
      require('copilotd.status').received(params)
    end,
    ['copilotd/longerCompletion'] = function(_, params)
      require('copilotd.session').grown(vim.uri_to_bufnr(params.textDocument.uri))
    end,
    ['copilotd/approve'] = function(...)
      return require('copilotd.tools').approve(...)
    end,
    ['copilotd/diagnostics'] = function(...)
      return require('copilotd.tools').diagnostics(...)
    end,
    ['workspace/applyEdit'] = function(...)
      return require('copilotd.tools').apply_edit(...)
    end,
    ['$/progress'] = function(...)
      return require('copilotd.stream').received(...)
    end,
  },
  on_exit = function(code, _, client_id)
    require('copilotd.revival').lost(code, client_id)
  end,
}
