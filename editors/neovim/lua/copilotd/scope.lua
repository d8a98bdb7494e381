--- Where ghost text comes by itself.
local M = {}

local config = require('copilotd.config')
local status = require('copilotd.status')

local enabled = true
local pause ---@type uv.uv_timer_t?

---@param bufnr integer
---@return boolean
function M.includes(bufnr)
  return M.reason(bufnr) == nil
end

--- Why ghost text does not come by itself, or nil if it does.
---@param bufnr integer
---@return string?
function M.reason(bufnr)
  local filetype = vim.bo[bufnr].filetype
  if not enabled then
    return 'switched off'
  elseif pause then
    return 'paused'
  elseif vim.b[bufnr].copilotd == false then
    return 'off in this buffer'
  elseif not M.has_filetype(filetype) then
    return 'off for ' .. filetype
  elseif not config.current.auto then
    return 'by hand only'
  end
end

function M.toggle()
  enabled = not enabled or pause ~= nil
  M.resume()
end

---@param minutes number
function M.pause(minutes)
  M.resume()
  pause = vim.defer_fn(M.resume, math.floor(minutes * 60000))
  M.changed()
end

function M.resume()
  if pause and not pause:is_closing() then
    pause:close()
  end
  pause = nil
  M.changed()
end

function M.changed()
  status.changed()
  require('copilotd.session').refresh(vim.api.nvim_get_current_buf())
end

function M.has_filetype(filetype)
  local filetypes = config.current.filetypes
  if filetypes[filetype] ~= nil then
    return filetypes[filetype]
  end
  return filetypes['*']
end

return M
