// W2 in node, without a sync: node http_in.mjs PORT FILE
import { openSync, write } from 'node:fs'
import { createServer } from 'node:http'
import { retail } from './convert.mjs'

const [port, to] = process.argv.slice(2)
const output = openSync(to, 'w')

// What comes while a write is under way goes with the next one.
let waiting = []
let writing = false
function flush() {
  if (writing || !waiting.length) return
  writing = true
  const documents = waiting.join('')
  waiting = []
  write(output, documents, (error) => {
    if (error) throw error
    writing = false
    flush()
  })
}

createServer((request, response) => {
  const parts = []
  request.on('data', (part) => parts.push(part))
  request.on('end', () => {
    let documents = ''
    for (const event of JSON.parse(Buffer.concat(parts).toString())) documents += JSON.stringify(retail(event)) + '\n'
    waiting.push(documents)
    flush()
    response.writeHead(200, { 'Content-Length': 0 }).end()
  })
}).listen({ port: Number(port), host: '127.0.0.1', backlog: 256 })
