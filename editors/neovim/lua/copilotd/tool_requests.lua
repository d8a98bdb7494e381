--- Answers the requests that the server sends for the model's tools: approvals, diagnostics and
--- edits.
local M = {}

local CHOICES = {
  { label = 'Allow', decision = 'once' },
  { label = 'Allow for this session', decision = 'session' },
  { label = 'Deny', decision = 'deny' },
}

--- Handles `copilotd/approve`: shows in the chat what the tool will do, and asks the user.
function M.approve(_, request)
  require('copilotd.chat').show_approval_request(request)
  local thread = coroutine.running()
  vim.ui.select(CHOICES, {
    prompt = ('copilotd: %s?'):format(request.title),
    format_item = function(choice)
      return choice.label
    end,
  }, function(choice)
    local answer = { decision = choice and choice.decision or 'deny' }
    vim.schedule(function()
      coroutine.resume(thread, answer)
    end)
  end)
  -- Neovim runs the handler in a coroutine, and sends what the coroutine returns.
  return coroutine.yield()
end

--- Handles `copilotd/diagnostics`: lists those of one file, or of all open files.
function M.list_diagnostics(_, params)
  -- A null `uri` arrives as `vim.NIL` or as nil.
  local bufnr = type(params.uri) == 'string' and vim.uri_to_bufnr(params.uri) or nil
  return { diagnostics = vim.tbl_map(M.format_diagnostic, vim.diagnostic.get(bufnr)) }
end

--- A diagnostic in the format of compiler output.
---@param diagnostic vim.Diagnostic
---@return string
function M.format_diagnostic(diagnostic)
  local name = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(diagnostic.bufnr), ':.')
  local kind = vim.diagnostic.severity[diagnostic.severity]:lower()
  local location = ('%s:%d:%d'):format(name, diagnostic.lnum + 1, diagnostic.col + 1)
  return ('%s: %s: %s'):format(location, kind, diagnostic.message)
end

--- Handles `workspace/applyEdit` and saves the changed files, because other tools read them from
--- disk. A file that already had unsaved changes stays unsaved.
function M.apply_edit(error, params, context)
  local unsaved = M.list_unsaved_buffers()
  local result = vim.lsp.handlers['workspace/applyEdit'](error, params, context)
  for bufnr in pairs(M.list_unsaved_buffers()) do
    if not unsaved[bufnr] then
      vim.api.nvim_buf_call(bufnr, function()
        vim.cmd('silent noautocmd write')
      end)
    end
  end
  return result
end

---@return table<integer, true>
function M.list_unsaved_buffers()
  local buffers = {}
  for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
    if vim.bo[bufnr].modified and vim.bo[bufnr].buftype == '' then
      buffers[bufnr] = true
    end
  end
  return buffers
end

return M
