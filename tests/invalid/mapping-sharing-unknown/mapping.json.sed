8s/"layer",/"layer", "sharing": "titled",/
