--- Decides in which buffers ghost text is automatic.
local M = {}

local config = require('copilotd.config')
local place = require('copilotd.place')
local status = require('copilotd.status')

local is_on = true
local pause_timer ---@type uv.uv_timer_t?
local on_change = {} ---@type fun()[]

--- Calls `handler` after ghost text was turned on or off.
---@param handler fun()
function M.subscribe(handler)
  table.insert(on_change, handler)
end

---@param bufnr integer
---@return boolean
function M.is_enabled(bufnr)
  return M.get_disabled_reason(bufnr) == nil
end

--- Why ghost text is not automatic in a buffer, or nil if it is.
---@param bufnr integer
---@return string?
function M.get_disabled_reason(bufnr)
  local filetype = vim.bo[bufnr].filetype
  if not is_on then
    return 'off'
  elseif pause_timer then
    return 'paused'
  elseif vim.b[bufnr].copilotd == false then
    return 'off in this buffer'
  elseif not M.is_filetype_enabled(filetype) then
    return 'off for ' .. filetype
  elseif not config.current.auto then
    return 'manual only'
  end
  return place.get_obstacle(bufnr)
end

--- Turns ghost text off or on. During a pause it turns it on.
function M.toggle()
  is_on = not is_on or pause_timer ~= nil
  M.resume()
end

---@param minutes number
function M.pause(minutes)
  M.resume()
  pause_timer = vim.defer_fn(M.resume, math.floor(minutes * 60000))
  M.notify_change()
end

function M.resume()
  if pause_timer and not pause_timer:is_closing() then
    pause_timer:close()
  end
  pause_timer = nil
  M.notify_change()
end

function M.notify_change()
  status.notify_change()
  for _, handler in ipairs(on_change) do
    handler()
  end
end

function M.is_filetype_enabled(filetype)
  local filetypes = config.current.filetypes
  if filetypes[filetype] ~= nil then
    return filetypes[filetype]
  end
  return filetypes['*']
end

return M
