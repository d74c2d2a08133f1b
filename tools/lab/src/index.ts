export type { CaptureCounts } from './capture/counts.js';
export {
  type EndlessPing,
  endlessPingArguments,
  type PingResult,
  parseCountedPing,
  parseEndlessPing,
  pingArguments,
} from './checks/ping.js';
export { EXPECTED_MEBIBYTES, pingFlow, type TransferResult, transferFlow } from './checks/traffic.js';
export { ApiError, answerOf, type ControllerApi } from './fabric/controller-api.js';
export { type Fabric, publish, ruleName } from './fabric/intent.js';
export { CONTROLLER_PROCESS, edgeCommand, edgeProcess } from './fabric/programs.js';
export { waitForFabric } from './fabric/readiness.js';
export { waitUntil } from './fabric/wait-until.js';
export { FILE_PORT } from './host/content.js';
export type { Lab, LabOptions } from './lab.js';
export { LabError } from './lab-error.js';
export { THIS_MACHINE } from './sandbox/machine.js';
export { missingRequirements } from './sandbox/requirements.js';
export { startLab } from './start-lab.js';
export { type Flow, flowsOf, LAB_TOPOLOGY, siteNamed, type Topology } from './topology/topology.js';
