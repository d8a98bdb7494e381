--- Computes which part of a suggestion remains after the user has typed. This module works on
--- strings only: it does not access any buffer and draws nothing.
local M = {}

---@class copilotd.Suggestion
---@field text string the whole suggestion
---@field head string the line before the suggestion
---@field tail string the line after the text that the suggestion replaces
---@field replaced? string the text that the suggestion replaces

---@class copilotd.Remaining
---@field text string the part that is not typed yet
---@field closers integer[] the position in `text` of each byte after the cursor that is replaced:
---  closing brackets, or code that `text` has its own copy of

---@class copilotd.Layout
---@field inline { offset: integer, text: string }[] pieces to draw, `offset` bytes after the cursor
---@field lines string[] whole lines to draw below
---@field hidden integer the number of bytes after the cursor that move to another line

--- The part of `suggestion` that remains, or nil if the suggestion no longer fits the text.
---
--- The editor may have inserted closing brackets after the cursor. The suggestion fits if its own
--- text has these brackets too.
---@param suggestion copilotd.Suggestion
---@param typed string the text between the start of the suggestion and the cursor
---@param after string the line after the cursor
---@return copilotd.Remaining?
function M.compute_remaining(suggestion, typed, after)
  local text, tail = suggestion.text, suggestion.tail
  if #typed >= #text or not vim.startswith(text, typed) or not vim.endswith(after, tail) then
    return nil
  end
  local remaining, replaced = text:sub(#typed + 1), after:sub(1, #after - #tail)
  local closers = M.can_replace(suggestion, replaced) and M.find_closers(remaining, replaced)
  return closers and { text = remaining, closers = closers } or nil
end

--- Whether `after` is what the suggestion replaces, and in front of it only brackets that the editor
--- may have inserted.
---@return boolean
function M.can_replace(suggestion, after)
  local replaced = suggestion.replaced or ''
  local brackets = vim.endswith(after, replaced) and after:sub(1, #after - #replaced) or after
  return brackets:find('^[^%w%s_]*$') ~= nil
end

--- The position of each byte of `replaced` in `text`: in its first line if they are all there, and as
--- far right as possible. Nil if `text` lacks one of them.
---@return integer[]?
function M.find_closers(text, replaced)
  return M.find_last_positions(text:match('^[^\n]*'), replaced) or M.find_last_positions(text, replaced)
end

---@return integer[]?
function M.find_last_positions(text, replaced)
  local positions, last = {}, #text
  local characters = vim.fn.split(replaced, '\\zs')
  for i = #characters, 1, -1 do
    local character = characters[i]
    while last >= #character and text:sub(last - #character + 1, last) ~= character do
      last = last - 1
    end
    if last < #character then
      return nil
    end
    for _ = 1, #character do
      table.insert(positions, 1, last)
      last = last - 1
    end
  end
  return positions
end

--- The first word, with the spaces and line ends before it.
---@param text string
---@return string
function M.get_first_word(text)
  return text:match('^%s*[%w_\128-\255]+') or text:match('^%s*[^%w%s_\128-\255]+') or text
end

--- The first line. If the text begins with a line end, the line end and the next line.
---@param text string
---@return string
function M.get_first_line(text)
  return text:match('^\n?[^\n]*')
end

--- The number of bytes after the cursor that `part`, the beginning of `remaining.text`, replaces.
---@param remaining copilotd.Remaining
---@param part string
---@return integer
function M.count_replaced_bytes(remaining, part)
  local count = 0
  while remaining.closers[count + 1] and remaining.closers[count + 1] <= #part do
    count = count + 1
  end
  return count
end

--- Where to draw `remaining`. Brackets that are already in the buffer are not drawn again.
---@param remaining copilotd.Remaining
---@return copilotd.Layout
function M.create_layout(remaining)
  local lines = vim.split(remaining.text, '\n', { plain = true })
  local first = table.remove(lines, 1)
  if M.count_replaced_bytes(remaining, first) < #remaining.closers then
    return { inline = { { offset = 0, text = first } }, lines = lines, hidden = #remaining.closers }
  end
  return { inline = M.split_at_closers(first, remaining.closers), lines = lines, hidden = 0 }
end

function M.split_at_closers(line, closers)
  local pieces, from = {}, 1
  for i = 1, #closers + 1 do
    local text = line:sub(from, (closers[i] or #line + 1) - 1)
    if text ~= '' then
      table.insert(pieces, { offset = i - 1, text = text })
    end
    from = (closers[i] or #line) + 1
  end
  return pieces
end

return M
