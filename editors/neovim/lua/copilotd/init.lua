--- The public functions, for the user's configuration.
local M = {}

--- Changes settings and enables the server. Reports each invalid setting and uses its default.
---@param settings? table
function M.setup(settings)
  for _, error in ipairs(require('copilotd.config').set(settings)) do
    vim.notify('copilotd: ' .. error, vim.log.levels.WARN)
  end
  vim.lsp.enable('copilotd')
end

--- Whether ghost text is shown in the current buffer.
---@return boolean
function M.visible()
  return require('copilotd.ghost_text').get_remaining(vim.api.nvim_get_current_buf()) ~= nil
end

--- Accepts all of the ghost text.
---@return boolean accepted false if there is no ghost text
function M.accept()
  return require('copilotd.acceptance').accept_all()
end

--- Accepts the next word of the ghost text.
---@return boolean accepted
function M.accept_word()
  return require('copilotd.acceptance').accept_word()
end

--- Accepts the next line of the ghost text.
---@return boolean accepted
function M.accept_line()
  return require('copilotd.acceptance').accept_line()
end

--- Hides the ghost text until the text changes.
function M.dismiss()
  require('copilotd.ghost_text').dismiss(vim.api.nvim_get_current_buf())
end

--- Requests ghost text, also where it is not automatic.
function M.trigger()
  require('copilotd.ghost_text').trigger(vim.api.nvim_get_current_buf())
end

--- Turns ghost text off or on in all buffers.
function M.toggle()
  require('copilotd.enabled').toggle()
end

--- Turns ghost text off for some minutes.
---@param minutes? number default: 10
function M.pause(minutes)
  require('copilotd.enabled').pause(minutes or 10)
end

--- A short text for the status line.
---@return string
function M.status()
  return require('copilotd.status_line').format()
end

return M
