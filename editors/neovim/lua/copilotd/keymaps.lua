--- Keys that act on ghost text, and do what they did before where there is none.
local M = {}

local config = require('copilotd.config')

local FALLBACK = '<Plug>(copilotd-fallback)'

--- What each action types. An undo step ends behind what was accepted.
local KEYS = {
  accept = "<Cmd>lua require('copilotd').accept()<CR><C-g>u",
  accept_word = "<Cmd>lua require('copilotd').accept_word()<CR><C-g>u",
  accept_line = "<Cmd>lua require('copilotd').accept_line()<CR><C-g>u",
  dismiss = "<Cmd>lua require('copilotd').dismiss()<CR>",
  trigger = "<Cmd>lua require('copilotd').trigger()<CR>",
}

--- What a `<Plug>` map types: its action, or nothing without ghost text.
---@param action string
---@return string
function M.keys(action)
  if action == 'trigger' or require('copilotd').visible() then
    return KEYS[action]
  end
  return ''
end

--- Maps the keys of the settings in a buffer that has the server.
---@param bufnr integer
function M.map(bufnr)
  for action, key in pairs(config.current.keymaps) do
    if key then
      M.map_key(bufnr, key, action)
    end
  end
end

function M.map_key(bufnr, key, action)
  local earlier = M.find(vim.api.nvim_buf_get_keymap(bufnr, 'i'), key)
  local description = 'copilotd: ' .. action:gsub('_', ' ')
  if earlier and earlier.desc == description then
    return
  end
  vim.keymap.set('i', key, function()
    local keys = M.keys(action)
    return keys ~= '' and keys or M.fallback(key, earlier)
  end, { buffer = bufnr, expr = true, remap = true, desc = description })
end

--- What types `key` as if this module were not there. `earlier` is the buffer's own map of the key,
--- which goes before the one of all buffers.
---@return string
function M.fallback(key, earlier)
  local map = earlier or M.find(vim.api.nvim_get_keymap('i'), key)
  if not map then
    vim.keymap.set('i', FALLBACK, key, { buffer = true })
    return FALLBACK
  end
  -- The same map under another name keeps all its traits: an expression, a callback, its script.
  local renamed = vim.tbl_extend('force', map, { lhs = FALLBACK, lhsraw = vim.keycode(FALLBACK), buffer = 1 })
  renamed.lhsrawalt = nil
  vim.fn.mapset('i', false, renamed)
  return FALLBACK
end

function M.find(maps, key)
  local raw = vim.keycode(key)
  for _, map in ipairs(maps) do
    if map.lhsraw == raw or map.lhsrawalt == raw then
      return map
    end
  end
end

return M
