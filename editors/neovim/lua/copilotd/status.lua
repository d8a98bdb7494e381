--- Where the daemon's model stands, in words for a status line.
local M = {}

---@class copilotd.Status
---@field phase string
---@field detail string
---@field fraction number?

---@type copilotd.Status?
M.current = nil

--- Takes the server's notification.
---@param params copilotd.Status
function M.received(params)
  M.current = params
  M.changed()
end

--- The server is gone, and with it what it said.
function M.lost()
  M.current = nil
  M.changed()
end

--- Tells whoever draws a status line.
function M.changed()
  vim.api.nvim_exec_autocmds('User', { pattern = 'CopilotdStatus', modeline = false })
end

---@return string
function M.words()
  local bufnr = vim.api.nvim_get_current_buf()
  if not require('copilotd.client').of(bufnr) then
    return ''
  end
  local reason = require('copilotd.scope').reason(bufnr)
  if reason then
    return ('copilotd (%s)'):format(reason)
  end
  return M.phase_words(M.current)
end

---@param state copilotd.Status?
function M.phase_words(state)
  if not state or state.phase == 'ready' or state.phase == 'stopped' then
    return 'copilotd'
  elseif state.fraction then
    -- The figure has a percent sign for people, doubled for the status line's own syntax.
    return ('copilotd (%s %d%%%%)'):format(state.phase, math.floor(state.fraction * 100 + 0.5))
  end
  return ('copilotd (%s)'):format(state.phase)
end

return M
