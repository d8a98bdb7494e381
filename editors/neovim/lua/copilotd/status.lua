--- The state of the daemon's model, as the server last reported it.
local M = {}

---@class copilotd.Status
---@field phase string
---@field detail string
---@field fraction number?

---@type copilotd.Status?
M.current = nil

--- Handles the server's `copilotd/status` notification.
---@param params copilotd.Status
function M.update(params)
  M.current = params
  M.notify_change()
end

--- Forgets the state after the server exited.
function M.clear()
  M.current = nil
  M.notify_change()
end

--- Fires the event that status lines listen to.
function M.notify_change()
  vim.api.nvim_exec_autocmds('User', { pattern = 'CopilotdStatus', modeline = false })
end

return M
