--- What the model's tools need of the editor: an answer from the user, diagnostics, changed files.
local M = {}

local CHOICES = {
  { label = 'Allow', decision = 'once' },
  { label = 'Allow for this session', decision = 'session' },
  { label = 'Deny', decision = 'deny' },
}

--- `copilotd/approve`: shows what would be done in the chat, and asks.
function M.approve(_, question)
  require('copilotd.chat').show_question(question)
  local thread = coroutine.running()
  vim.ui.select(CHOICES, {
    prompt = ('copilotd: %s?'):format(question.title),
    format_item = function(choice)
      return choice.label
    end,
  }, function(choice)
    local answer = { decision = choice and choice.decision or 'deny' }
    vim.schedule(function()
      coroutine.resume(thread, answer)
    end)
  end)
  -- Neovim runs a handler in a coroutine of its own, and sends what it ends with.
  return coroutine.yield()
end

--- `copilotd/diagnostics`: of one file, or of all that are open, as compilers write them.
function M.diagnostics(_, params)
  -- Null may come as nothing at all.
  local bufnr = type(params.uri) == 'string' and vim.uri_to_bufnr(params.uri) or nil
  return { diagnostics = vim.tbl_map(M.line, vim.diagnostic.get(bufnr)) }
end

---@param diagnostic vim.Diagnostic
function M.line(diagnostic)
  local name = vim.fn.fnamemodify(vim.api.nvim_buf_get_name(diagnostic.bufnr), ':.')
  local kind = vim.diagnostic.severity[diagnostic.severity]:lower()
  local place = ('%s:%d:%d'):format(name, diagnostic.lnum + 1, diagnostic.col + 1)
  return ('%s: %s: %s'):format(place, kind, diagnostic.message)
end

--- `workspace/applyEdit`: as Neovim does it, and saved, for other tools read the disk. What the
--- user had not saved either stays so.
function M.apply_edit(error, params, context)
  local unsaved = M.unsaved()
  local result = vim.lsp.handlers['workspace/applyEdit'](error, params, context)
  for bufnr in pairs(M.unsaved()) do
    if not unsaved[bufnr] then
      vim.api.nvim_buf_call(bufnr, function()
        vim.cmd('silent noautocmd write')
      end)
    end
  end
  return result
end

---@return table<integer, true>
function M.unsaved()
  local found = {}
  for _, bufnr in ipairs(vim.api.nvim_list_bufs()) do
    if vim.bo[bufnr].modified and vim.bo[bufnr].buftype == '' then
      found[bufnr] = true
    end
  end
  return found
end

return M
