// W4 in node: node ws_out.mjs PORT FILE SUBSCRIBERS
import { createRequire } from 'node:module'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { retail } from './convert.mjs'

const { WebSocketServer } = createRequire(`${process.env.NODE_PATH}/`)('ws')
const [port, from, subscribers] = process.argv.slice(2)
const server = new WebSocketServer({ port: Number(port), host: '127.0.0.1', perMessageDeflate: false })
while (server.clients.size < Number(subscribers) || !existsSync(from)) await setTimeout(10)
const clients = [...server.clients]
const lines = readFileSync(from, 'utf8').split('\n')
for (const [number, line] of lines.entries()) {
  if (!line) continue
  const document = JSON.stringify(retail(JSON.parse(line)))
  for (const client of clients) client.send(document)
  // Somewhere the sockets have to be given the time to send.
  if (number % 64 === 63) while (clients.some((client) => client.bufferedAmount > 65536)) await new Promise(setImmediate)
}
