# Reads a disassembly by objdump -d --no-show-raw-insn, of 64-bit ARM or x86-64. Fails if an innermost loop with 12 or more
# vector multiply-adds (a whole block of accumulators) touches the stack, or if there is no such loop.

# A loop ends with a backward jump; it is innermost if it contains no other.
function end_of_loop(from, to,    i, products, stack) {
  for (i = from; i <= to; ++i) {
    products += text[i] ~ /^(fmla\t|vfmadd.*%[yz]mm)/
    stack += text[i] ~ /^((ldr|str|ldp|stp|ldur|stur)\tq.*\[sp|v.*\(%r[sb]p.*%[yz]mm|v.*%[yz]mm.*\(%r[sb]p)/
    if (i < to && ends_loop[i]) {
      return
    }
  }
  if (products >= 12) {
    ++loops
    if (stack > 0) {
      ++bad
      print "spilled: " stack " of " products " multiply-adds' accumulators in memory, " name
    }
  }
}

/^[0-9a-f]+ <.*>:$/ {
  name = $2
  count = 0
  delete text
  delete index_of
  delete ends_loop
  next
}
/^ *[0-9a-f]+:\t/ {
  split($0, parts, /:\t/)
  address = parts[1]
  gsub(/ /, "", address)
  text[++count] = substr($0, index($0, ":\t") + 2)
  index_of[address] = count
  if (match(text[count], /^((b|b\.[a-z]+|cbn?z|tbn?z)\t|j[a-z]+ )/)) {
    target = text[count]
    sub(/ *<.*/, "", target)
    sub(/.*[\t ]/, "", target)
    if (target in index_of) {
      ends_loop[count] = 1
      end_of_loop(index_of[target], count)
    }
  }
}
END {
  print loops + 0 " loops with blocks of accumulators, " bad + 0 " spilled"
  exit loops == 0 || bad > 0
}
