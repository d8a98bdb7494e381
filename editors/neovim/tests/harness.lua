--- Runs the test files in this folder. Each file returns a table from test names to functions.
local here = vim.fs.dirname(debug.getinfo(1, 'S').source:sub(2))
vim.opt.runtimepath:prepend(vim.fs.dirname(here))

local failed, passed = {}, 0
for _, path in ipairs(vim.fn.glob(here .. '/test_*.lua', true, true)) do
  for name, test in vim.spairs(dofile(path)) do
    local ok, message = xpcall(test, debug.traceback)
    passed = passed + (ok and 1 or 0)
    if not ok then
      table.insert(failed, ('%s: %s\n%s'):format(vim.fs.basename(path), name, message))
    end
  end
end

for _, failure in ipairs(failed) do
  io.stderr:write(failure, '\n')
end
print(('%d passed, %d failed'):format(passed, #failed))
os.exit(#failed == 0 and 0 or 1)
