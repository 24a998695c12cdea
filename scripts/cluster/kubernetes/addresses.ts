/* Addresses within the machine of a cluster; scripts/cluster/machine/init.sh gives nodes and control plane theirs. */

/** Of the API server. */
export const CONTROL_PLANE_ADDRESS = '192.168.77.1';
export const API_SERVER = `https://${CONTROL_PLANE_ADDRESS}:6443`;
export const SERVICES = '10.96.0.0/16';
/** The Service `kubernetes`: the first address of `SERVICES`. */
export const API_SERVICE_ADDRESS = '10.96.0.1';
export const DNS_ADDRESS = '10.96.0.10';
export const PODS = '10.77.0.0/16';
export const CLUSTER_DOMAIN = 'cluster.local';

/** @param number of the node, from 1 */
export const nodeAddress = (number: number): string => `192.168.77.1${number}`;
export const podsOfNode = (number: number): string => `10.77.${number}.0/24`;
