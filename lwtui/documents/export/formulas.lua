-- Writes each formula of the document as another language, in order, into the file "formulas.json" in the working
-- directory. A formula that pandoc cannot convert is written as an empty text.
local written = pandoc.List({})
local to, mark = "html5", "<math"
if PANDOC_WRITER_OPTIONS.variables["formulas"] ~= nil and tostring(PANDOC_WRITER_OPTIONS.variables["formulas"]) == "typst" then
  to, mark = "typst", "^%$"
end

function Math(formula)
  local options = pandoc.WriterOptions({html_math_method = "mathml", wrap_text = "none"})
  local text = pandoc.write(pandoc.Pandoc({pandoc.Plain({formula})}), to, options)
  written:insert(text:find(mark) and text or "")
end

function Pandoc(doc)
  local file = assert(io.open("formulas.json", "w"))
  file:write(pandoc.json.encode(written))
  file:close()
  return pandoc.Pandoc({})
end
