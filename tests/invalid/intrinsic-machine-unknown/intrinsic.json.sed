s/"machine": .*/"machine": "zen6"/
