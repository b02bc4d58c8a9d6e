/** Every setting: one schema behind flags, environment, config.json, --help and docs/settings.md. */
import { type Static, type TSchema, Type } from '@sinclair/typebox'

export const Settings = Type.Object({
  data: Type.String({
    placeholder: 'DIR',
    description: 'folder with datasets, datasets.json and config.json; ./data if it exists, else the current folder',
  }),
  host: Type.String({
    default: '127.0.0.1',
    placeholder: 'ADDRESS',
    description: 'address to listen on; anything but loopback needs --public, or a webKnossos server that decides who may read',
    file: 'server.host',
  }),
  port: Type.Integer({
    default: 8000,
    minimum: 0,
    maximum: 65535,
    placeholder: 'N',
    description: 'port to listen on; 0 picks a free one and prints it',
    file: 'server.port',
  }),
  cache: Type.Integer({
    minimum: 0,
    placeholder: 'SIZE',
    format: 'size',
    description: 'memory for decoded chunks, buffers and answers, such as 512MB or 2GB; a quarter of the memory, at most 1GB',
  }),
  threads: Type.String({
    default: '1',
    pattern: '^(auto|[1-9][0-9]?)$',
    placeholder: 'N',
    description:
      'threads that answer requests, sharing the port and the memory (Linux), each a process of its own; auto: one for each core, at most 8',
  }),
  maxRequests: Type.Integer({
    default: 1000,
    minimum: 1,
    placeholder: 'N',
    description: 'requests for voxels under way at the same time, per serving thread; those beyond are told to come again (429)',
  }),
  cacheDir: Type.String({
    default: '',
    placeholder: 'DIR',
    description: 'folder for magnifications that were made, kept across restarts; the cache folder of the user, none for nowhere',
  }),
  diskCache: Type.Integer({
    default: 4 * 1024 ** 3,
    minimum: 0,
    placeholder: 'SIZE',
    format: 'size',
    description: 'how much may lie there, such as 500MB or 20GB; what was used longest ago goes first',
  }),
  storedMagsOnly: Type.Boolean({ default: false, description: 'serve only magnifications that are stored, make none' }),
  organization: Type.String({
    default: 'sample_organization',
    minLength: 1,
    placeholder: 'NAME',
    description: 'organization of datasets that do not lie in the folder of one',
  }),
  allowPath: Type.Array(Type.String(), {
    default: [],
    placeholder: 'DIR',
    description: 'links in the data folder may lead to below this folder; may be given several times',
  }),
  allowRemote: Type.Array(Type.String(), {
    default: [],
    placeholder: 'URL',
    description: 'datasets added over the network may lead to below this URL although it is no public address; may be given several times',
  }),
  credentials: Type.String({
    default: '',
    placeholder: 'FILE',
    description: 'JSON with beginnings of remote sources and what opens them: keys, tokens, user and password; docs/remote.md',
  }),
  caFile: Type.String({
    default: '',
    placeholder: 'FILE',
    description: 'certificates of own servers to trust besides the public ones, PEM',
  }),
  bossOpenData: Type.Boolean({
    default: false,
    description: 'read channels of BossDB from its public bucket where they lie there, through the API where they do not; docs/boss.md',
  }),
  bossParallel: Type.Integer({
    default: 4,
    minimum: 1,
    maximum: 32,
    placeholder: 'N',
    description: 'requests to one BossDB at a time',
  }),
  datasetsPath: Type.String({
    default: 'datasets.json',
    placeholder: 'FILE',
    description: 'the list of datasets, from the working directory, beside or above the data folder',
    file: 'datasets_path',
  }),
  state: Type.String({
    default: '',
    placeholder: 'DIR',
    description: 'folder for what must be remembered where the data folder cannot be written: the list of added datasets',
  }),
  adminToken: Type.String({
    default: '',
    placeholder: 'TOKEN',
    secret: true,
    description: 'token for adding, changing and removing datasets; made and printed at start where there is none',
  }),
  requireToken: Type.Boolean({ default: false, description: 'ask for the admin token for reading, too' }),
  core: Type.String({
    default: '',
    placeholder: 'URL',
    description: 'address of the webKnossos server that shows the datasets and decides who may read them',
    file: 'webknossos.url',
  }),
  datastoreName: Type.String({
    default: '',
    placeholder: 'NAME',
    description: 'name of this datastore in webKnossos',
    file: 'datastore.name',
  }),
  datastoreKey: Type.String({
    default: '',
    placeholder: 'KEY',
    secret: true,
    description: 'key of this datastore in webKnossos; wkconnect register makes one',
    file: 'datastore.key',
  }),
  url: Type.String({
    default: '',
    placeholder: 'URL',
    description: 'address at which the webKnossos server reaches this one; of this machine and port if not given',
    file: 'server.url',
  }),
  publicUrl: Type.String({
    default: '',
    placeholder: 'URL',
    description: 'address at which browsers reach this server, for register and doctor; the same as --url if not given',
    file: 'server.public_url',
  }),
  basePath: Type.String({
    default: '',
    placeholder: 'PATH',
    description: 'also answer below this path, for a proxy that shares one name among several servers',
  }),
  tlsCert: Type.String({ default: '', placeholder: 'FILE', description: 'certificate to speak https with; read again when it changes' }),
  tlsKey: Type.String({ default: '', placeholder: 'FILE', description: 'private key of that certificate' }),
  local: Type.Boolean({ default: false, description: 'leave the webKnossos server alone: no reports, and everybody may read' }),
  browse: Type.Boolean({ default: false, description: 'open the page of all datasets in the browser' }),
  neuroglancer: Type.String({
    default: 'https://neuroglancer-demo.appspot.com/',
    placeholder: 'URL',
    description: 'where the page opens a dataset in neuroglancer; empty: nowhere',
  }),
  portFile: Type.String({ default: '', placeholder: 'FILE', description: 'write the port into this file once it listens' }),
  logFormat: Type.Union([Type.Literal('text'), Type.Literal('json')], {
    default: 'text',
    placeholder: 'KIND',
    description: 'text for people, json for machines: one object a line',
  }),
  logRequests: Type.Boolean({ default: false, description: 'say every request in the log' }),
  sample: Type.Boolean({ default: false, description: 'write small sample datasets into the data folder if it has none' }),
  public: Type.Boolean({ default: false, description: 'allow an address that others can reach: everybody there can read all datasets' }),
})
export type Settings = Static<typeof Settings>
export type SettingName = keyof Settings

export interface Details extends TSchema {
  type?: string
  /** Never shown; may also come from the file that <VARIABLE>_FILE names. */
  secret?: boolean
  placeholder?: string
  /** Where config.json has it, if not under its own name. */
  file?: string
}

export const properties = Settings.properties as Record<SettingName, Details>
export const names = Object.keys(properties) as SettingName[]

export const flagOf = (name: SettingName): string => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
export const isSecret = (name: SettingName): boolean => properties[name].secret === true
export const variableOf = (name: SettingName): string => `WK_${flagOf(name).replaceAll('-', '_').toUpperCase()}`

/** Path of keys in config.json; the data folder it lies in cannot stand there. */
export const fileKeyOf = (name: SettingName): string | undefined =>
  name === 'data' ? undefined : (properties[name].file ?? flagOf(name).replaceAll('-', '_'))

/** All settings for --help and the documentation. */
export const describeSettings = () =>
  names.map((name) => {
    const { placeholder, description = '', default: value } = properties[name]
    return {
      name,
      file: fileKeyOf(name),
      flag: `--${flagOf(name)}${placeholder ? ` ${placeholder}` : ''}`,
      variable: variableOf(name),
      description,
      default: value as unknown,
    }
  })
