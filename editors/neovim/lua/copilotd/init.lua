--- What a user's own configuration may call.
local M = {}

--- Changes settings and attaches the server to files. A setting that is wrong is reported, and its
--- default is used.
---@param settings? table
function M.setup(settings)
  for _, complaint in ipairs(require('copilotd.config').set(settings)) do
    vim.notify('copilotd: ' .. complaint, vim.log.levels.WARN)
  end
  vim.lsp.enable('copilotd')
end

--- Whether ghost text is on the screen of the current buffer.
---@return boolean
function M.visible()
  return require('copilotd.session').rest(vim.api.nvim_get_current_buf()) ~= nil
end

--- Each takes what its name says of the ghost text, and tells whether there was any.
function M.accept()
  return require('copilotd.accept').all()
end

function M.accept_word()
  return require('copilotd.accept').word()
end

function M.accept_line()
  return require('copilotd.accept').line()
end

--- Takes the ghost text away until the text changes.
function M.dismiss()
  require('copilotd.session').dismiss(vim.api.nvim_get_current_buf())
end

--- Asks for ghost text by hand, also where it does not come by itself.
function M.trigger()
  require('copilotd.session').trigger(vim.api.nvim_get_current_buf())
end

--- Switches ghost text on or off, everywhere.
function M.toggle()
  require('copilotd.scope').toggle()
end

--- Switches ghost text off for some minutes.
---@param minutes? number 10 without it
function M.pause(minutes)
  require('copilotd.scope').pause(minutes or 10)
end

--- A few words for a status line.
---@return string
function M.status()
  return require('copilotd.status').words()
end

return M
