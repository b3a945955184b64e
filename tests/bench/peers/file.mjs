// W1 in node: node file.mjs FROM TO
import { closeSync, fdatasyncSync, openSync, readSync, writeSync } from 'node:fs'
import { retail } from './convert.mjs'

const [from, to] = process.argv.slice(2)
const input = openSync(from, 'r')
const output = openSync(to, 'w')
const chunk = Buffer.alloc(262144)
let rest = Buffer.alloc(0)

function write(text) {
  let documents = ''
  for (const line of text.split('\n')) if (line) documents += JSON.stringify(retail(JSON.parse(line))) + '\n'
  writeSync(output, documents)
}

for (let size; (size = readSync(input, chunk)) > 0; ) {
  const all = Buffer.concat([rest, chunk.subarray(0, size)])
  const end = all.lastIndexOf(10) + 1
  if (end) write(all.toString('utf8', 0, end))
  rest = all.subarray(end)
}
if (rest.length) write(rest.toString())
fdatasyncSync(output)
closeSync(output)
