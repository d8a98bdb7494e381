--- The text for a status line.
local M = {}

local client = require('copilotd.client')
local enabled = require('copilotd.enabled')
local status = require('copilotd.status')

--- The text for the current buffer; empty if the server is not attached to it.
---@return string
function M.format()
  local bufnr = vim.api.nvim_get_current_buf()
  if not client.get(bufnr) then
    return ''
  end
  local reason = enabled.get_disabled_reason(bufnr)
  if reason then
    return ('copilotd (%s)'):format(reason)
  end
  return M.format_status(status.current)
end

---@param state copilotd.Status?
---@return string
function M.format_status(state)
  -- `stopped` is not shown, because the next keystroke loads the model again.
  if not state or state.phase == 'ready' or state.phase == 'stopped' then
    return 'copilotd'
  elseif state.fraction then
    -- A status line shows `%%` as one percent sign.
    return ('copilotd (%s %d%%%%)'):format(state.phase, math.floor(state.fraction * 100 + 0.5))
  end
  return ('copilotd (%s)'):format(state.phase)
end

return M
