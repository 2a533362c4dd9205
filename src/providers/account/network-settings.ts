import * as vscode from 'vscode';
import { useNetwork } from '../../modal/network.ts';

/** Uses VS Code's proxy and certificates for calls to Modal, also after its settings change. */
export function followNetworkSettings(): vscode.Disposable {
  const apply = () => {
    const http = vscode.workspace.getConfiguration('http');
    const isOff = http.get('proxySupport') === 'off';
    useNetwork({
      proxy: isOff ? '' : http.get('proxy', ''),
      noProxy: http.get<string[]>('noProxy', []),
      verify: http.get('proxyStrictSSL', true),
      systemCertificates: http.get('systemCertificates', true),
    });
  };
  apply();
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration('http')) apply();
  });
}
