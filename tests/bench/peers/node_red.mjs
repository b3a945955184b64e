// W2 in Node-RED: node node_red.mjs PORT FILE
// The flow that one would draw: an http in node, a function node, and from there to a file node and to an http response node.
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { retail } from './convert.mjs'

const require = createRequire(`${process.env.NODE_PATH}/`)
const express = require('express')
const RED = require('node-red')
const [port, to] = process.argv.slice(2)
const userDir = dirname(to)

const CONVERT = `
const retail = global.get('retail')
let documents = ''
for (const event of msg.payload) documents += JSON.stringify(retail(event)) + '\\n'
return [{ payload: documents }, { res: msg.res, statusCode: 200, payload: '' }]`

const on = (id, type, more) => ({ id, type, z: 'flow', x: 0, y: 0, wires: [], ...more })
const flow = [
  { id: 'flow', type: 'tab', label: 'Clickstream to Google Retail' },
  on('in', 'http in', { url: '/collect', method: 'post', upload: false, wires: [['convert']] }),
  on('convert', 'function', { func: CONVERT, outputs: 2, noerr: 0, initialize: '', finalize: '', libs: [], wires: [['file'], ['answer']] }),
  on('file', 'file', { filename: to, filenameType: 'str', appendNewline: false, overwriteFile: 'false', encoding: 'none', wires: [[]] }),
  on('answer', 'http response', { statusCode: '', headers: {} }),
]
writeFileSync(`${userDir}/flows.json`, JSON.stringify(flow))

const app = express()
const server = createServer(app)
RED.init(server, {
  userDir,
  flowFile: 'flows.json',
  disableEditor: true,
  httpAdminRoot: false,
  httpNodeRoot: '/',
  credentialSecret: false,
  functionGlobalContext: { retail },
  logging: { console: { level: 'warn' } },
})
app.use('/', RED.httpNode)
await RED.start()
RED.events.once('flows:started', () => server.listen({ port: Number(port), host: '127.0.0.1', backlog: 256 }))
process.once('SIGTERM', async () => {
  await RED.stop() // the file node ends when it has written what it was given
  process.exit()
})
