--- Draws an edit over the lines that it would change, and lets the user accept or reject it.
local M = {}

local config = require('copilotd.config')
local diff = require('copilotd.diff')

local NAMESPACE = vim.api.nvim_create_namespace('copilotd.preview')

---@class copilotd.EditPreview
---@field selected copilotd.Selection
---@field restore_keys fun()[]
---@field on_reject fun()
---@field on_accept? fun() nil until the edit is complete
---@field tick integer

local previews = {} ---@type table<integer, copilotd.EditPreview> by buffer

--- Opens a preview for lines whose edit has been requested.
---@param selected copilotd.Selection
---@param on_reject fun() called if the user rejects the edit
function M.begin(selected, on_reject)
  local bufnr = selected.bufnr
  M.close(bufnr)
  previews[bufnr] = {
    selected = selected,
    on_reject = on_reject,
    restore_keys = {},
    tick = vim.api.nvim_buf_get_changedtick(bufnr),
  }
  M.map(bufnr, config.current.edit.reject, M.reject)
  M.show_progress(bufnr, '')
end

--- Shows the text so far, below the old lines.
---@param bufnr integer
---@param text string
function M.show_progress(bufnr, text)
  local preview = previews[bufnr]
  if preview then
    vim.api.nvim_buf_clear_namespace(bufnr, NAMESPACE, 0, -1)
    local lines = text == '' and {} or vim.split(text, '\n', { plain = true })
    local key = config.current.edit.reject or ':Copilotd reject'
    M.draw_hint(preview, ('copilotd is writing … %s stops it'):format(key))
    M.draw_added_lines(bufnr, preview.selected.last - 1, lines, false)
  end
end

--- Shows the diff between the selected lines and `lines`.
---@param selected copilotd.Selection
---@param lines string[]
---@param on_accept fun() called if the user accepts the edit
---@return boolean has_changes false if the lines are equal; then nothing is shown
function M.show_diff(selected, lines, on_accept)
  local bufnr = selected.bufnr
  local old = vim.api.nvim_buf_get_lines(bufnr, selected.first, selected.last, false)
  local changes = diff.compare(old, lines)
  if #changes.removed + #changes.added == 0 then
    return false
  end
  M.begin(selected, function() end)
  M.map(bufnr, config.current.edit.accept, M.accept)
  previews[bufnr].on_accept = on_accept
  M.draw(previews[bufnr], changes)
  M.close_on_change(bufnr)
  return true
end

--- Accepts the edit, if it is complete.
function M.accept(bufnr)
  local preview = previews[bufnr]
  if preview and preview.on_accept then
    M.close(bufnr)
    preview.on_accept()
  end
end

--- Rejects the edit. The text stays as it is.
function M.reject(bufnr)
  local preview = previews[bufnr]
  if preview then
    M.close(bufnr)
    preview.on_reject()
  end
end

function M.close(bufnr)
  local preview = previews[bufnr]
  if preview then
    previews[bufnr] = nil
    vim.api.nvim_buf_clear_namespace(bufnr, NAMESPACE, 0, -1)
    vim.iter(preview.restore_keys):each(function(restore)
      restore()
    end)
  end
end

--- Closes the preview when the text changes, because the diff was made for the old text.
function M.close_on_change(bufnr)
  vim.api.nvim_create_autocmd({ 'TextChanged', 'TextChangedI' }, {
    buffer = bufnr,
    callback = function()
      local preview = previews[bufnr]
      if preview and preview.tick == vim.api.nvim_buf_get_changedtick(bufnr) then
        return
      end
      M.close(bufnr)
      return true
    end,
  })
end

---@param preview copilotd.EditPreview
function M.draw(preview, changes)
  local bufnr, first = preview.selected.bufnr, preview.selected.first
  vim.api.nvim_buf_clear_namespace(bufnr, NAMESPACE, 0, -1)
  for _, row in ipairs(changes.removed) do
    vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, first + row, 0, { line_hl_group = 'CopilotdOld' })
  end
  for _, added in ipairs(changes.added) do
    M.draw_added_lines(bufnr, first + added.row, added.lines, added.above)
  end
  local keys = config.current.edit
  M.draw_hint(
    preview,
    ('%s accepts, %s rejects'):format(keys.accept or ':Copilotd accept', keys.reject or ':Copilotd reject')
  )
end

function M.draw_added_lines(bufnr, row, lines, above)
  if #lines == 0 then
    return
  end
  local virtual = vim.tbl_map(function(line)
    return { { line .. (' '):rep(vim.o.columns - vim.fn.strdisplaywidth(line)), 'CopilotdNew' } }
  end, lines)
  vim.api.nvim_buf_set_extmark(bufnr, NAMESPACE, row, 0, { virt_lines = virtual, virt_lines_above = above })
  if above and row == 0 then
    -- Neovim shows virtual lines above the first line only after scrolling.
    vim.fn.winrestview({ topfill = #lines })
  end
end

function M.draw_hint(preview, text)
  local virtual = { { ' ' .. text, 'CopilotdHint' } }
  local selected = preview.selected
  vim.api.nvim_buf_set_extmark(selected.bufnr, NAMESPACE, selected.first, 0, { virt_text = virtual })
end

--- Maps a key in normal mode until the preview is closed.
function M.map(bufnr, key, action)
  if not key then
    return
  end
  local earlier = vim.iter(vim.api.nvim_buf_get_keymap(bufnr, 'n')):find(function(map)
    return map.lhsraw == vim.keycode(key)
  end)
  vim.keymap.set('n', key, function()
    action(bufnr)
  end, { buffer = bufnr, nowait = true, desc = 'copilotd: accept or reject the edit' })
  table.insert(previews[bufnr].restore_keys, function()
    vim.keymap.del('n', key, { buffer = bufnr })
    if earlier then
      vim.api.nvim_buf_call(bufnr, function()
        vim.fn.mapset('n', false, earlier)
      end)
    end
  end)
end

return M
