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
    description: 'address to listen on; anything but loopback needs --public',
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
  local: Type.Boolean({ default: false, description: 'leave the webKnossos server in config.json alone' }),
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
