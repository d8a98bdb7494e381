--- The ghost text of each buffer: requests it, keeps it while the user types along, and clears it.
local M = {}

local client = require('copilotd.client')
local completion_menu = require('copilotd.completion_menu')
local enabled = require('copilotd.enabled')
local place = require('copilotd.place')
local reconnect = require('copilotd.reconnect')
local suggestion = require('copilotd.suggestion')
local view = require('copilotd.ghost_text_view')

--- LSP's `InlineCompletionTriggerKind`.
local INVOKED, AUTOMATIC = 1, 2

---@class copilotd.CursorState
---@field row integer from 0
---@field column integer bytes, from 0
---@field tick integer the buffer's `changedtick`

---@class copilotd.OfferedItem: copilotd.Suggestion
---@field item table the item as the server sent it
---@field row integer
---@field column integer where the item's text begins

---@class copilotd.BufferState
---@field cursor? copilotd.CursorState at the last update
---@field offered? copilotd.OfferedItem
---@field cancel fun() cancels the running request, if there is one

---@type table<integer, copilotd.BufferState>
local states = {}

---@return copilotd.BufferState
local function get_state(bufnr)
  states[bufnr] = states[bufnr] or { cancel = function() end }
  return states[bufnr]
end

--- Updates the ghost text after a key. The offered item stays while the user types its text, and the
--- server is asked for the next one.
---@param bufnr integer the current buffer
function M.update(bufnr)
  local state, cursor = get_state(bufnr), M.get_cursor(bufnr)
  if vim.deep_equal(state.cursor, cursor) then
    return
  end
  state.cursor = cursor
  if place.is_in_snippet() then
    return M.wait_for_end_of_snippet(bufnr)
  end
  if completion_menu.is_visible() or not enabled.is_enabled(bufnr) then
    return M.clear(bufnr)
  end
  M.draw(bufnr)
  M.request(bufnr, AUTOMATIC)
end

--- Clears the ghost text. Neovim ends a snippet after this event if its last stop was reached.
---@param bufnr integer
function M.wait_for_end_of_snippet(bufnr)
  M.clear(bufnr)
  vim.schedule(function()
    if not place.is_in_snippet() then
      M.refresh(bufnr)
    end
  end)
end

--- Updates although the cursor did not move: a menu closed, or ghost text was turned on or off.
---@param bufnr integer
function M.refresh(bufnr)
  get_state(bufnr).cursor = nil
  if M.is_inserting(bufnr) and client.get(bufnr) then
    M.update(bufnr)
  end
end

--- Requests again because the server has a longer version of the offered item.
---@param bufnr integer
function M.request_longer(bufnr)
  local state = get_state(bufnr)
  if state.offered and M.is_inserting(bufnr) and vim.deep_equal(state.cursor, M.get_cursor(bufnr)) then
    M.request(bufnr, AUTOMATIC)
  end
end

--- Requests ghost text for the user, even where it is not automatic.
---@param bufnr integer
function M.trigger(bufnr)
  get_state(bufnr).cursor = M.get_cursor(bufnr)
  if place.get_obstacle(bufnr) then
    M.notify_if_empty(bufnr, INVOKED)
  else
    M.request(bufnr, INVOKED)
  end
end

--- Removes the ghost text and cancels the running request.
---@param bufnr integer
function M.clear(bufnr)
  local state = get_state(bufnr)
  state.cancel()
  state.offered = nil
  view.clear(bufnr)
end

--- Clears the ghost text and tells the server that the user rejected it.
---@param bufnr integer
function M.dismiss(bufnr)
  local offered, server = get_state(bufnr).offered, client.get(bufnr)
  if offered and server and offered.item.command then
    client.execute_command(server, 'copilotd.reject', offered.item.command.arguments)
  end
  M.clear(bufnr)
end

--- Clears the ghost text and the state of a buffer, after the cursor left it.
---@param bufnr integer
function M.forget(bufnr)
  if states[bufnr] then
    M.clear(bufnr)
    states[bufnr] = nil
  end
end

--- The part of the offered item that is not typed yet, the typed part, and the item.
---@param bufnr integer
---@return copilotd.Remaining? remaining nil if nothing is offered at the cursor
---@return string typed
---@return copilotd.OfferedItem? offered
function M.get_remaining(bufnr)
  local offered = get_state(bufnr).offered
  if not offered or bufnr ~= vim.api.nvim_get_current_buf() then
    return nil, ''
  end
  local cursor = M.get_cursor(bufnr)
  local typed = M.get_typed_text(bufnr, offered, cursor)
  local line = vim.api.nvim_get_current_line()
  local remaining = typed and suggestion.compute_remaining(offered, typed, line:sub(cursor.column + 1))
  return remaining, typed or '', offered
end

--- Draws the remaining part of the offered item, or drops the item if nothing remains.
---@param bufnr integer
function M.draw(bufnr)
  local remaining = M.get_remaining(bufnr)
  if remaining then
    local cursor = M.get_cursor(bufnr)
    view.draw(bufnr, cursor.row, cursor.column, remaining)
  else
    get_state(bufnr).offered = nil
    view.clear(bufnr)
  end
end

---@param bufnr integer
---@param kind integer `INVOKED` or `AUTOMATIC`
function M.request(bufnr, kind)
  local state, server = get_state(bufnr), client.get(bufnr)
  state.cancel()
  if not server then
    return
  end
  local cursor = M.get_cursor(bufnr)
  local params = vim.lsp.util.make_position_params(0, server.offset_encoding)
  params.context = { triggerKind = kind }
  state.cancel = client.request(
    server,
    bufnr,
    'textDocument/inlineCompletion',
    params,
    function(error, result)
      if not error then
        reconnect.reset_attempts()
      end
      local has_moved = not M.is_inserting(bufnr) or not vim.deep_equal(cursor, M.get_cursor(bufnr))
      if not has_moved and not completion_menu.is_visible() then
        M.show_result(bufnr, server, cursor, not error and result or {})
        M.notify_if_empty(bufnr, kind)
      end
    end
  )
end

--- Shows the result of a request that was made at `cursor`, where the cursor still is.
---@param bufnr integer
---@param server vim.lsp.Client
---@param cursor copilotd.CursorState
---@param result table
function M.show_result(bufnr, server, cursor, result)
  local item = (result.items or result)[1]
  get_state(bufnr).offered = item and M.create_offered_item(item, cursor, server.offset_encoding)
  M.draw(bufnr)
  if get_state(bufnr).offered then
    server:notify('textDocument/didShowCompletion', { item = item })
  end
end

--- Tells the user that a request made by hand found nothing.
function M.notify_if_empty(bufnr, kind)
  if kind == INVOKED and not get_state(bufnr).offered then
    vim.notify('copilotd: no suggestion here')
  end
end

---@return copilotd.OfferedItem
function M.create_offered_item(item, cursor, encoding)
  local line = vim.api.nvim_get_current_line()
  local from, to = cursor.column, cursor.column
  if item.range then
    from = vim.str_byteindex(line, encoding, item.range.start.character, false)
    to = vim.str_byteindex(line, encoding, item.range['end'].character, false)
  end
  return {
    item = item,
    row = cursor.row,
    column = from,
    text = item.insertText,
    head = line:sub(1, from),
    tail = line:sub(to + 1),
    replaced = line:sub(from + 1, to),
  }
end

--- The text between the start of the offered item and the cursor; nil if the cursor is before the
--- start, or if the line before the start has changed.
---@return string?
function M.get_typed_text(bufnr, offered, cursor)
  local is_before_start = cursor.row < offered.row
    or (cursor.row == offered.row and cursor.column < offered.column)
  if is_before_start or offered.row >= vim.api.nvim_buf_line_count(bufnr) then
    return nil
  end
  local lines = vim.api.nvim_buf_get_text(bufnr, offered.row, 0, cursor.row, cursor.column, {})
  local text = table.concat(lines, '\n')
  if vim.startswith(text, offered.head) then
    return text:sub(#offered.head + 1)
  end
end

---@return copilotd.CursorState
function M.get_cursor(bufnr)
  local cursor = vim.api.nvim_win_get_cursor(0)
  return { row = cursor[1] - 1, column = cursor[2], tick = vim.api.nvim_buf_get_changedtick(bufnr) }
end

function M.is_inserting(bufnr)
  return bufnr == vim.api.nvim_get_current_buf() and vim.api.nvim_get_mode().mode:sub(1, 1) == 'i'
end

return M
