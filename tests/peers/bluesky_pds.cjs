// Starts a Bluesky PDS and the directory of accounts it needs, both on loopback only.
// Told by the environment: MODULES, FOLDER, PORT, DIRECTORY_PORT, JWT_SECRET.
const { randomBytes } = require('node:crypto')
const { createRequire } = require('node:module')
const net = require('node:net')

const { MODULES, FOLDER, JWT_SECRET } = process.env
const port = Number(process.env.PORT)
const directoryPort = Number(process.env.DIRECTORY_PORT)
const installed = createRequire(`${MODULES}/start.js`)
const { PDS, envToCfg, envToSecrets } = installed('@atproto/pds')
const { Database, PlcServer } = installed('@did-plc/server')

// Neither server can be told which address to listen on, and they mean all of them.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (where, ...rest) {
  if (typeof where !== 'number') return listen.call(this, where, ...rest)
  const done = rest.filter((each) => typeof each === 'function')
  return listen.call(this, { port: where, host: '127.0.0.1' }, ...done)
}

const random = () => randomBytes(32).toString('hex')

async function start() {
  await PlcServer.create({ db: Database.mock(), port: directoryPort }).start()
  const told = {
    devMode: true,
    hostname: 'localhost',
    port,
    dataDirectory: FOLDER,
    blobstoreDiskLocation: `${FOLDER}/blobs`,
    didPlcUrl: `http://127.0.0.1:${directoryPort}`,
    // There is no AppView: whatever only it knows is answered with 502.
    bskyAppViewUrl: 'http://127.0.0.1:9',
    bskyAppViewDid: 'did:web:appview.invalid',
    serviceHandleDomains: ['.test'],
    inviteRequired: false,
    disableSsrfProtection: true,
    rateLimitsEnabled: false,
    jwtSecret: JWT_SECRET,
    dpopSecret: random(),
    adminPassword: random(),
    plcRotationKeyK256PrivateKeyHex: random(),
  }
  const pds = await PDS.create(envToCfg(told), envToSecrets(told))
  await pds.start()
}

start().catch((error) => {
  console.error(error)
  process.exit(1)
})
